"""Servers and sources that do as a test tells them."""
