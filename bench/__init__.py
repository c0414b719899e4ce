"""`python -m bench`: what ingestion does under load, measured on a local stack beside the floor of the same run."""
