"""The only code that talks to Azure and to tenants' systems; and an in-memory version of every port."""
