"""The audit trail: read, exported and verified by admins. Each reading is sealed before it is answered."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from shared.access.audit_cursor import MAX_CHARS, cursor_of, place_behind
from shared.access.principals import Principal
from shared.api.allowed import Wired, allowed
from shared.api.problems import PROBLEMS
from shared.api.times import RFC_3339
from shared.api.views_audit import AuditLogPage, AuditLogView, VerificationView, as_csv
from shared.models.audit import AuditAction, Facts, month_of
from shared.pipeline.audit_reading import read_trail, verify
from shared.pipeline.auditing import record_view
from shared.ports.audit import Wanted

router = APIRouter(prefix="/audit-logs", tags=["audit"], responses=PROBLEMS)

MAX_ROWS = 1000
CSV = "text/csv"
NEXT_CURSOR = "X-Next-Cursor"
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)

_CSV_TOO: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {CSV: {"schema": {"type": "string"}}},
        "headers": {NEXT_CURSOR: {"description": "Of CSV: the cursor to go on with.", "schema": {"type": "string"}}},
    }
}

# Also the first and the last time there is, wherever it is told; the retention narrows it.
UpToTheEnds = Annotated[AwareDatetime, RFC_3339]
Text = Annotated[str, Field(min_length=1, max_length=255)]


class LogFormat(StrEnum):
    """How the entries are written."""

    JSON = "json"
    CSV = "csv"


class LogQuery(BaseModel):
    """Which entries of the trail, and how many."""

    model_config = ConfigDict(extra="forbid")

    start: UpToTheEnds | None = Field(default=None, alias="from", description="Only from this time on (RFC 3339).")
    end: UpToTheEnds | None = Field(default=None, alias="to", description="Only before this time (RFC 3339).")
    user: Text | None = Field(default=None, description="Only of this user (Entra object id).")
    event_type: Text | None = Field(default=None, description="Only this operation.")
    action: AuditAction | None = Field(default=None, description="Only this kind of action.")
    resource_type: Text | None = Field(default=None, description="Only on this kind of resource.")
    resource_id: Text | None = Field(default=None, description="Only on this resource.")
    limit: int = Field(default=50, ge=1, le=MAX_ROWS, description="How many to answer with.")
    cursor: str | None = Field(default=None, max_length=MAX_CHARS, description="The cursor of the page before.")
    format: LogFormat | None = Field(default=None, description="`csv` for a file; so does `Accept: text/csv`.")

    def wanted(self, *, now: datetime) -> Wanted:
        """The same for the trail."""
        return Wanted(
            start=self.start or _EARLIEST,
            end=self.end or now,
            user_id=self.user,
            event_type=self.event_type,
            action=self.action,
            resource_type=self.resource_type,
            resource_id=self.resource_id,
        )

    def asked(self) -> Facts:
        """The same for the entry that says that somebody asked."""
        named = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        return {name: value for name, value in named.items() if name != "cursor"}


@router.get("", summary="Read the audit trail", response_model=AuditLogPage, responses=_CSV_TOO)
async def search_audit_logs(
    asked: Annotated[LogQuery, Query()],
    request: Request,
    principal: Annotated[Principal, Depends(allowed("search_audit_logs"))],
    services: Wired,
) -> AuditLogPage | Response:
    """Newest first, across months, as JSON or CSV. The reading itself is sealed before it is answered."""
    now = datetime.now(UTC)
    behind = place_behind(asked.cursor) if asked.cursor else None
    await record_view(principal, "search_audit_logs", "audit_log", "trail", services, now=now, asked=asked.asked())
    wanted = asked.wanted(now=now)
    page = await read_trail(principal.tenant_id, wanted, services, limit=asked.limit, behind=behind, now=now)
    answer = AuditLogPage(
        items=[AuditLogView.of(one) for one in page.items], cursor=cursor_of(page.end) if page.end else None
    )
    return _file(answer) if _wants_csv(asked, request) else answer


@router.get("/verify", summary="Verify a month of the audit trail")
async def verify_audit_logs(
    principal: Annotated[Principal, Depends(allowed("verify_audit_logs"))],
    services: Wired,
    month: Annotated[
        str | None,
        Query(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$", description="`2026-11`; the current one when left out."),
    ] = None,
) -> VerificationView:
    """Recomputes the chain and names what was removed, altered, inserted, reordered or replaced, and what is
    announced but not sealed; what is overdue is asked to be sealed again. The reading itself is sealed first."""
    now = datetime.now(UTC)
    wanted = month or month_of(now)
    await record_view(principal, "verify_audit_logs", "audit_log", wanted, services, now=now)
    return VerificationView.of(await verify(principal.tenant_id, wanted, services, now=now))


def _wants_csv(asked: LogQuery, request: Request) -> bool:
    if asked.format:
        return asked.format is LogFormat.CSV
    return request.headers.get("accept", "").partition(",")[0].partition(";")[0].strip().lower() == CSV


def _file(page: AuditLogPage) -> Response:
    headers = {"Content-Disposition": 'attachment; filename="audit-logs.csv"'}
    if page.cursor:
        headers[NEXT_CURSOR] = page.cursor
    return Response(as_csv(page.items), media_type=CSV, headers=headers)
