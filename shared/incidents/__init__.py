"""Incidents: which one an alert belongs to, and what it changes there."""
