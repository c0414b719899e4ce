"""Prometheus and Alertmanager for the demo shop: configuration, alert rules and how to start them."""
