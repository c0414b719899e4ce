"""The Cosmos DB stand-in as the unmodified azure-cosmos package sees it."""
