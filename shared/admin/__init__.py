"""The operator's command, `python -m shared.admin`: tenants, their plans, and their backups."""
