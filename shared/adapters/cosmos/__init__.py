"""The stores on Azure Cosmos DB for NoSQL."""
