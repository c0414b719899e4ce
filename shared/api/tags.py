"""What each group of operations is about, for the documentation."""

from collections.abc import Mapping

TAGS: Mapping[str, str] = {
    "me": "Who the caller is.",
    "incidents": "Incidents, the evidence for them, what was concluded, and what people correct.",
    "receipts": "What became of a delivery that a webhook accepted.",
    "dead letters": "What failed for good, and what is to be done about it.",
}
