"""The product. Nothing here knows of the triggers above it or of the local stack beside it."""
