"""Runbooks: Markdown that engineers write and everybody reads, kept as text."""

import re
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from shared.access.principals import Principal
from shared.api.allowed import Wired, allowed
from shared.api.idempotency import run_of
from shared.api.preconditions import require_match, show_version
from shared.api.problems import PROBLEMS, NotFound
from shared.api.views_directory import TEXT, Name, RunbookSummaryView, RunbookView, Tag
from shared.models.audit import AuditAction, Facts
from shared.models.base import document_id
from shared.models.runbooks import MAX_BODY_CHARS, MAX_NAMED, MAX_TAGS, Runbook
from shared.pipeline.editing import Edit, create_record, edit_record, filtered_page, next_version
from shared.ports.services import Services

router = APIRouter(prefix="/runbooks", tags=["runbooks"], responses=PROBLEMS)

_ID = re.compile(r"rbk-[0-9a-f]{24}")
_NO_SUCH = "There is no such runbook."


class RunbookText(BaseModel):
    """A runbook as an engineer writes it."""

    model_config = ConfigDict(extra="forbid")

    title: Name
    body: str = Field(max_length=MAX_BODY_CHARS, pattern=TEXT, description="Markdown. It is kept as it is.")
    tags: list[Tag] = Field(default=[], max_length=MAX_TAGS)
    services: list[Name] = Field(default=[], max_length=MAX_NAMED, description="The services it is for.")
    alert_names: list[Name] = Field(default=[], max_length=MAX_NAMED, description="The alerts it answers.")


class RunbookPage(BaseModel):
    """Some runbooks, oldest first; ask again with the cursor for more."""

    items: list[RunbookSummaryView]
    cursor: str | None


@router.get("", summary="List runbooks")
async def list_runbooks(
    principal: Annotated[Principal, Depends(allowed("list_runbooks"))],
    services: Wired,
    service: Annotated[str | None, Query(min_length=1, max_length=200, description="Only for this service.")] = None,
    tag: Annotated[str | None, Query(min_length=1, max_length=50, description="Only with this tag.")] = None,
    limit: Annotated[int, Query(ge=1, le=100, description="How many to answer with.")] = 25,
    cursor: Annotated[str | None, Query(max_length=400, description="The cursor of the page before.")] = None,
) -> RunbookPage:
    """Without their text. A page may hold fewer than `limit` although there are more: the cursor tells."""
    page = await filtered_page(
        *(principal.tenant_id, Runbook, lambda one: one.is_about(service, tag), services), limit=limit, cursor=cursor
    )
    return RunbookPage(items=[RunbookSummaryView.of(one) for one in page.items], cursor=page.cursor)


@router.get("/{runbook_id}", summary="Read a runbook")
async def read_runbook(
    runbook_id: str,
    response: Response,
    principal: Annotated[Principal, Depends(allowed("read_runbook"))],
    services: Wired,
) -> RunbookView:
    """With its Markdown, as it was written."""
    held = await services.records.read(principal.tenant_id, Runbook, _known(runbook_id))
    return _shown(_there(held.value if held else None), response)


@router.post("", summary="Write a runbook", status_code=201)
async def create_runbook(
    wanted: RunbookText,
    request: Request,
    response: Response,
    principal: Annotated[Principal, Depends(allowed("create_runbook"))],
    services: Wired,
) -> RunbookView:
    """Its id is in the answer."""
    now, run = datetime.now(UTC), run_of(request)
    made = Runbook(
        id=document_id("rbk", principal.tenant_id, run.run_id),
        tenant_id=principal.tenant_id,
        **wanted.model_dump(),
        updated_by=principal.object_id,
        created_at=now,
        updated_at=now,
    )
    if run.is_again and (held := await services.records.read(principal.tenant_id, Runbook, made.id)):
        return _shown(_there(held.value), response)
    entry = principal.entry(*("create_runbook", AuditAction.CREATE, "runbook", made.id), after=_facts(made), now=now)
    return _shown(await create_record(principal.tenant_id, made, entry, services), response)


@router.put("/{runbook_id}", summary="Rewrite a runbook")
async def replace_runbook(
    runbook_id: str,
    wanted: RunbookText,
    request: Request,
    response: Response,
    principal: Annotated[Principal, Depends(allowed("replace_runbook"))],
    services: Wired,
) -> RunbookView:
    """All of it; send `If-Match` with the version that was read, so that nobody's words are lost."""
    written = await _change(
        *("replace_runbook", AuditAction.UPDATE, runbook_id, wanted.model_dump()), principal, request, services
    )
    return _shown(written, response)


@router.delete("/{runbook_id}", summary="Remove a runbook", status_code=204)
async def delete_runbook(
    runbook_id: str,
    request: Request,
    principal: Annotated[Principal, Depends(allowed("delete_runbook"))],
    services: Wired,
) -> None:
    """Its text is gone; that it was there stays in the audit trail."""
    nothing = {
        "title": "",
        "body": "",
        "tags": (),
        "services": (),
        "alert_names": (),
        "removed_at": datetime.now(UTC),
    }
    await _change("delete_runbook", AuditAction.DELETE, runbook_id, nothing, principal, request, services)


async def _change(
    operation: str,
    action: AuditAction,
    runbook_id: str,
    fields: dict[str, object],
    principal: Principal,
    request: Request,
    services: Services,
) -> Runbook:
    now = datetime.now(UTC)

    def decide(held: Runbook | None) -> Edit[Runbook]:
        before = _there(held)
        require_match(request, before.version)
        after = next_version(before, **fields, updated_by=principal.object_id, updated_at=now)
        facts = {} if after.removed_at else _facts(after)
        entry = principal.entry(
            *(operation, action, "runbook", before.id), before=_facts(before), after=facts, now=now
        )
        return Edit(after, entry)

    return _there(await edit_record(principal.tenant_id, Runbook, _known(runbook_id), decide, services), removed=True)


def _facts(runbook: Runbook) -> Facts:
    """The text itself is no short value; its length tells a slip from a rewrite."""
    return {
        "title": runbook.title,
        "body_chars": len(runbook.body),
        "tags": ", ".join(runbook.tags)[:500],
        "services": ", ".join(runbook.services)[:500],
    }


def _known(runbook_id: str) -> str:
    if not _ID.fullmatch(runbook_id):
        raise NotFound(_NO_SUCH)
    return runbook_id


def _there(runbook: Runbook | None, *, removed: bool = False) -> Runbook:
    if runbook is None or (runbook.removed_at and not removed):
        raise NotFound(_NO_SUCH)
    return runbook


def _shown(runbook: Runbook, response: Response) -> RunbookView:
    show_version(response, runbook.version)
    return RunbookView.of(runbook)
