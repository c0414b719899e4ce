"""What engineers write down for the next person on call: Markdown, kept as text and never rendered here."""

from typing import Literal

from pydantic import Field

from shared.models.base import Instant
from shared.models.tenants import Record

MAX_BODY_CHARS = 64_000
MAX_NAMED = 50
"""Services, and names of alerts, that one runbook may be for."""
MAX_TAGS = 20


class Runbook(Record):
    """One runbook. A removed one keeps its id, its audit entries and nothing of its text."""

    type: Literal["runbook"] = "runbook"
    title: str = Field(max_length=200)
    body: str = Field(default="", max_length=MAX_BODY_CHARS)
    tags: tuple[str, ...] = Field(default=(), max_length=MAX_TAGS)
    services: tuple[str, ...] = Field(default=(), max_length=MAX_NAMED)
    alert_names: tuple[str, ...] = Field(default=(), max_length=MAX_NAMED)
    updated_by: str
    """The Entra object id of who wrote this version."""
    updated_at: Instant
    removed_at: Instant | None = None

    def is_about(self, service: str | None, tag: str | None) -> bool:
        """Whether it is to be shown to who asks for a service or a tag (or neither)."""
        return (
            self.removed_at is None
            and (service is None or service in self.services)
            and (tag is None or tag in self.tags)
        )
