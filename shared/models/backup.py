"""The lines of a tenant's backup: a header, one line a document or blob, a trailer that says what must be there."""

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from shared.models.base import Instant, TenantId, Value

FORMAT = "sre-copilot-tenant"
FORMAT_VERSION = 1

BLOBS = ("snapshots", "receipts", "raw")
"""What lies in blobs; everything else is documents."""
CONTAINERS = (
    *("snapshots", "incidents", "incident_list", "claims", "changes", "caches", "deadletters", "audit"),
    *("receipts", "raw", "directory", "schedule", "lookups", "tenant"),
)
"""In the order in which they are written and restored: what lets anybody in comes last, the tenant's record at the
very end, so that a restored tenant is whole or not there. `tenant` is that record, which lies in `directory`."""


class Header(Value):
    """The first line."""

    format: Literal["sre-copilot-tenant"] = "sre-copilot-tenant"
    version: int
    tenant_id: TenantId = Field(min_length=1)
    exported_at: Instant
    has_raw: bool
    """Whether the bodies of deliveries are in it."""


class Line(Value):
    """One document, or one blob."""

    container: str
    document: Mapping[str, Any] | None = None
    """As it is stored, without what the store adds: also of schemas that this release does not know."""
    name: str | None = None
    base64: str | None = None

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Self:
        is_blob = self.container in BLOBS
        has_blob = self.name is not None and self.base64 is not None
        if self.container not in CONTAINERS or is_blob is not has_blob or is_blob is (self.document is not None):
            raise ValueError("neither a document nor a blob of ours")
        return self


class Trailer(Value):
    """The last line. `sha256` is of the bytes of every line before it, ends of lines included."""

    counts: Mapping[str, int]
    sha256: str
