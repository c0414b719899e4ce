"""What the audit trail looks like from outside."""

import csv
import io
import json
from collections.abc import Iterable
from typing import Self

from pydantic import BaseModel, Field

from shared.access.audit_verify import Finding, Found
from shared.models.audit import AuditAction, AuditIntent, Facts
from shared.models.audit_log import AuditOutcome
from shared.models.base import Instant
from shared.pipeline.audit_reading import Listed, Report

MAX_NAMED = 500
"""So many findings and unsealed entries are named; their numbers count all."""

# Where a spreadsheet would take a cell for a formula (OWASP, CSV injection).
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


class AuditLogView(BaseModel):
    """Who did what, to what, from where, and what is known of how it ended."""

    timestamp: Instant
    user_id: str | None = Field(description="The Entra object id; null for the product itself or an operator.")
    user_name: str
    event_type: str = Field(description="The operation of the API.")
    action: AuditAction
    resource_type: str
    resource_id: str
    outcome: AuditOutcome = Field(
        description="`done`: written, or sealed before it was answered. `not_carried_out`: refused or given up. "
        "`not_there`: where it would lie is nothing. `gone`: what was to be deleted is not there any more. "
        "`unannounced`: stood in a document without an announcement of ours."
    )
    before: Facts
    after: Facts
    ip_address: str | None
    user_agent: str | None
    request_id: str
    entry_id: str
    month: str
    sequence: int = Field(description="Its number in the chain of the month.")
    hash: str
    sealed_at: Instant
    is_sealed: bool = Field(description="Its seal holds. Whether the chain around it is whole, `/verify` tells.")

    @classmethod
    def of(cls, listed: Listed) -> "AuditLogView":
        """From the sealed entry."""
        return cls.model_validate({**listed.log.model_dump(), "is_sealed": listed.is_sealed})


class AuditLogPage(BaseModel):
    """Some entries, newest first; ask again with the cursor for more."""

    items: list[AuditLogView]
    cursor: str | None


class FindingView(BaseModel):
    """Something that is wrong with the chain."""

    finding: Finding
    id: str = Field(description="Of what lies there, or would; also of an announcement that is not as we made it.")
    sequence: int | None = Field(description="The number that the id says, where it says one.")
    through: int | None = Field(description="The last one, when several in a row were removed.")
    belongs_at: int | None = Field(description="Where a moved or copied entry was sealed.")

    @classmethod
    def of(cls, found: Found) -> "FindingView":
        """From the finding."""
        return cls(
            finding=found.finding,
            id=found.place,
            sequence=found.sequence,
            through=found.through,
            belongs_at=found.belongs_at,
        )


class UnsealedView(BaseModel):
    """What was announced and is not in the chain."""

    entry_id: str
    timestamp: Instant
    user_id: str | None
    event_type: str
    resource_type: str
    resource_id: str
    overdue: bool = Field(description="It should have been sealed by now.")

    @classmethod
    def of(cls, intent: AuditIntent, *, overdue: bool) -> "UnsealedView":
        """From the announcement."""
        entry = intent.entry
        return cls(
            entry_id=entry.entry_id,
            timestamp=entry.at,
            user_id=entry.user_id,
            event_type=entry.event_type,
            resource_type=entry.resource_type,
            resource_id=entry.resource_id,
            overdue=overdue,
        )


class VerificationView(BaseModel):
    """Whether a month's chain is whole."""

    month: str
    intact: bool = Field(description="Nothing is wrong with the chain, and nothing is overdue.")
    entries: int = Field(description="Genuine entries at their places.")
    findings_count: int
    findings: list[FindingView] = Field(description=f"At most {MAX_NAMED}.")
    unsealed_count: int
    unsealed: list[UnsealedView] = Field(description=f"The unsealed tail, oldest first, at most {MAX_NAMED}.")
    end_known: bool = Field(description="A later month says how this one ended, so that a cut end would show.")

    @classmethod
    def of(cls, report: Report) -> Self:
        """From the report."""
        return cls(
            month=report.month,
            intact=not report.findings and not any(overdue for _, overdue in report.unsealed),
            entries=report.entries,
            findings_count=len(report.findings),
            findings=[FindingView.of(one) for one in report.findings[:MAX_NAMED]],
            unsealed_count=len(report.unsealed),
            unsealed=[UnsealedView.of(one, overdue=overdue) for one, overdue in report.unsealed[:MAX_NAMED]],
            end_known=report.known_end is not None,
        )


def as_csv(items: Iterable[AuditLogView]) -> str:
    """The entries as CSV (RFC 4180): every cell quoted, and none that a spreadsheet would run."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerow(AuditLogView.model_fields)
    for item in items:
        writer.writerow(_cell(value) for value in item.model_dump(mode="json").values())
    return out.getvalue()


def _cell(value: object) -> str:
    text = "" if value is None else json.dumps(value) if isinstance(value, dict) else str(value)
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA_STARTS) else text
