"""Recorded payloads, by sender and name."""

from pathlib import Path

FOLDER = Path(__file__).parent


def payload(sender: str, name: str) -> bytes:
    """The bytes as they came over the wire."""
    return (FOLDER / sender / f"{name}.json").read_bytes()
