"""Redaction: secrets and personal data of every text from outside are masked where it becomes ours.

Below everything else, so that every part may use it; it knows nothing of the product.
"""

from shared.redaction.kinds import MASKED, Kind, Tally
from shared.redaction.labels import redact_map, redact_name, redact_value
from shared.redaction.links import redact_link
from shared.redaction.switch import mask_personal_data
from shared.redaction.text import (
    counts,
    masks_in,
    one_line,
    redact,
    redact_identity,
    safe_text,
)

__all__ = [
    "MASKED",
    "Kind",
    "Tally",
    "counts",
    "mask_personal_data",
    "masks_in",
    "one_line",
    "redact",
    "redact_identity",
    "redact_link",
    "redact_map",
    "redact_name",
    "redact_value",
    "safe_text",
]
