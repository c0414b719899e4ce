"""What every stored document has in common."""

from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated, Any, ClassVar, Final, NewType, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer
from pydantic.config import JsonDict

TenantId = NewType("TenantId", str)
IncidentId = NewType("IncidentId", str)
SignalId = NewType("SignalId", str)
SnapshotId = NewType("SnapshotId", str)
IntegrationId = NewType("IntegrationId", str)
ReceiptId = NewType("ReceiptId", str)


def _utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("a time needs its offset")
    try:
        return value.astimezone(UTC)
    except OverflowError as exc:
        raise ValueError("a time that UTC cannot name") from exc


def _fixed_width(value: datetime) -> str:
    return value.isoformat(timespec="microseconds").replace("+00:00", "Z")


Instant = Annotated[datetime, AfterValidator(_utc), PlainSerializer(_fixed_width, when_used="json")]
"""An aware time, kept in UTC; as JSON always with six digits, so that the order of texts is the order of times."""


WRITE_ONLY: Final[JsonDict] = {"format": "password", "writeOnly": True}
"""How the documentation marks what goes in and never comes out."""


class Value(BaseModel):
    """A frozen value that refuses fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Document(BaseModel):
    """A stored document: tenant, type and schema version, upcast when an older version is read.

    Fields the store adds (`_etag`, `_ts`, …) are dropped on reading; an etag travels beside the document.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    current_schema: ClassVar[int] = 1

    id: str = Field(min_length=1, max_length=255)
    tenant_id: TenantId
    type: str
    schema_version: int = 1

    @classmethod
    def upcast(cls, stored: dict[str, Any], version: int) -> dict[str, Any]:
        """Bring a document of an older `version` one version up; the default has nothing to change."""
        return {**stored, "schema_version": version + 1}

    @classmethod
    def from_stored(cls, stored: Mapping[str, Any]) -> Self:
        """Read a stored document of this or an older schema version."""
        body = dict(stored)
        while (version := int(body.get("schema_version", 1))) < cls.current_schema:
            body = cls.upcast(body, version)
        return cls.model_validate(body)

    def to_stored(self) -> dict[str, Any]:
        """The JSON body to store."""
        return self.model_dump(mode="json")


def document_id(kind: str, *parts: str) -> str:
    """An id that derives from content: the same parts always give the same id."""
    # Length-prefixed, so that ("ab", "c") and ("a", "bc") differ.
    joined = "".join(f"{len(part)}:{part}" for part in parts)
    return f"{kind}-{sha256(joined.encode()).hexdigest()[:24]}"
