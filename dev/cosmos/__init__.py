"""A local stand-in for Azure Cosmos DB: its REST protocol for the genuine SDK, on SQLite.

It is not Cosmos DB. Request charges are a formula (`charges`), there is one physical partition, and no latency,
throttling or failover happens unless a fault is injected (`faults`).
"""
