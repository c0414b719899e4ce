"""Thin triggers: decode, one call, encode. What they call is imported on first use, for cold starts."""
