"""Changes of the tenant's systems: what was deployed when, and a way to tell us by hand."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from shared.access.principals import Principal
from shared.api.allowed import Wired, allowed
from shared.api.idempotency import run_of
from shared.api.problems import PROBLEMS
from shared.api.times import AskedTime
from shared.api.views_directory import ChangeView, Name
from shared.errors import Malformed
from shared.models.audit import AuditAction, AuditHome, AuditWhere
from shared.models.changes import Change, ChangeKind, ChangeStatus, ReportedChange
from shared.pipeline.auditing import announce
from shared.signals.redacted import redacted_change
from shared.signals.sources.json_body import kept_id, link_of

router = APIRouter(prefix="/changes", tags=["changes"], responses=PROBLEMS)

SOURCE = "api"
_DAY = timedelta(days=1)
_FIRST = datetime(1970, 1, 2, tzinfo=UTC)
"""Before it nothing was deployed, and a day before the first of all days there is none."""
_SKEW = timedelta(minutes=5)


class ChangeText(BaseModel):
    """A change as somebody reports it."""

    model_config = ConfigDict(extra="forbid")

    id: Name | None = Field(default=None, description="Yours, to report the same change again with another status.")
    service: Name
    kind: ChangeKind = ChangeKind.DEPLOY
    status: ChangeStatus = ChangeStatus.SUCCEEDED
    version: Name | None = None
    title: Name | None = None
    environment: Name | None = None
    author: Name | None = None
    url: str | None = Field(default=None, max_length=2000, description="A link to it: http or https.")
    at: AskedTime | None = Field(default=None, description="When it took effect, or began; now when it is left out.")


class ChangePage(BaseModel):
    """Some changes, newest first; ask again with the cursor for more."""

    items: list[ChangeView]
    cursor: str | None


@router.get("", summary="List changes")
async def list_changes(
    principal: Annotated[Principal, Depends(allowed("list_changes"))],
    services: Wired,
    since: Annotated[AskedTime | None, Query(description="From then on; a day before `until` when left out.")] = None,
    until: Annotated[AskedTime | None, Query(description="Up to then; now when left out.")] = None,
    service: Annotated[str | None, Query(min_length=1, max_length=200, description="Only of this service.")] = None,
    limit: Annotated[int, Query(ge=1, le=100, description="How many to answer with.")] = 25,
    cursor: Annotated[str | None, Query(max_length=400, description="The cursor of the page before.")] = None,
) -> ChangePage:
    """What took effect in a stretch of time, newest first. Name both ends when you follow a cursor."""
    end = until or datetime.now(UTC)
    start = since or max(end, _FIRST) - _DAY
    if start > end:
        raise Malformed("`since` is after `until`", reason="bad_window")
    page = await services.changes.page(principal.tenant_id, start, end, limit=limit, cursor=cursor, service=service)
    return ChangePage(items=[ChangeView.of(one) for one in page.items], cursor=page.cursor)


@router.post("", summary="Report a change", status_code=201)
async def create_change(
    wanted: ChangeText,
    request: Request,
    principal: Annotated[Principal, Depends(allowed("create_change"))],
    services: Wired,
) -> ChangeView:
    """As an integration of the kind `changes` would; the same `id` again replaces what was reported with it."""
    now = datetime.now(UTC)
    change = _change(wanted, principal, run_of(request).run_id, request.state.request_id, now=now)
    entry = principal.entry(
        *("create_change", AuditAction.CREATE, "change", change.id),
        after={
            "service": change.service_name,
            "version": change.reported.version,
            "status": wanted.status,
            "at": str(change.at),
        },
        now=now,
    )
    await announce(principal.tenant_id, entry, AuditWhere(home=AuditHome.CHANGES, id=change.id), services)
    await services.changes.record(principal.tenant_id, change.with_audit(entry))
    return ChangeView.of(change)


def _change(wanted: ChangeText, principal: Principal, run_id: str, request_id: str, *, now: datetime) -> Change:
    at = wanted.at or now
    if at > now + _SKEW:
        raise Malformed("a change that is yet to come cannot have caused anything", reason="in_the_future")
    url = link_of(wanted.url)
    if wanted.url and url is None:
        raise Malformed("the link is no http or https address", reason="bad_link")
    reported = ReportedChange(
        source=SOURCE,
        external_id=kept_id(wanted.id or run_id),
        kind=wanted.kind,
        status=wanted.status,
        service_name=wanted.service,
        service_key=wanted.service,
        version=wanted.version,
        title=wanted.title or f"{wanted.service} {wanted.version or 'changed'}"[:300],
        environment=wanted.environment,
        author=wanted.author or principal.email or None,
        url=url,
        at=at,
        said_at=now,
    )
    # The person's own address stays: it is our user, and no text from outside.
    safe = redacted_change(reported, salt=principal.tenant_id)
    reported = safe if wanted.author else safe.model_copy(update={"author": reported.author})
    return Change(
        id=reported.change_id,
        tenant_id=principal.tenant_id,
        service_name=reported.service_name,
        at=reported.at,
        reported=reported,
        receipt_id=f"api-{request_id}",
        created_at=now,
    )
