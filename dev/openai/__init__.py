"""A protocol simulator of Azure OpenAI for tests: it answers what it is told to, and is never taken for a model."""
