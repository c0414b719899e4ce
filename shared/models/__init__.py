"""The product's types: frozen, validated, and shared by every feature."""
