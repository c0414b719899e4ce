"""Cosmos DB's query language: parsed by hand and evaluated exactly, `undefined` included."""
