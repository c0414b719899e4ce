"""What was changed lately: read from everybody who tells of changes, and told once."""
