"""What people do to an incident: acknowledge, assign, move, edit, note, have it investigated again."""

import unicodedata
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import Annotated, Self

from fastapi import APIRouter, Depends, Request, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from shared.access.principals import Principal
from shared.api.allowed import Wired, allowed
from shared.api.idempotency import run_of
from shared.api.incident_ids import known_incident
from shared.api.preconditions import IfMatch, require_match, show_version
from shared.api.problems import PROBLEMS
from shared.api.views import SummaryView
from shared.incidents.looking import snapshot_id_for, trigger_of
from shared.models.incidents import MAX_NOTE_CHARS, MAX_TITLE_CHARS, Incident, IncidentState, IncidentSummary
from shared.models.signals import Severity
from shared.pipeline import acting
from shared.pipeline.acting import Acting

router = APIRouter(prefix="/incidents", tags=["incidents"], responses=PROBLEMS)

_BIDI_CONTROLS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def acting_as(operation: str) -> Callable[..., Awaitable[Acting]]:
    """A dependency that lets through who may do this operation, and says who acts, in which run, on what they saw."""

    async def check(
        request: Request, principal: Annotated[Principal, Depends(allowed(operation))], _: IfMatch = None
    ) -> Acting:
        run, expects = run_of(request), partial(require_match, request)
        return Acting(principal, operation, run.run_id, run.is_again, expects, datetime.now(UTC))

    return check


def _plain(text: str) -> str:
    """Text without control characters, and without those that turn its direction around."""
    kept = [c for c in text if c in "\n\t" or (unicodedata.category(c) != "Cc" and c not in _BIDI_CONTROLS)]
    plain = "".join(kept).strip()
    if not plain:
        raise ValueError("it says nothing")
    return plain


def _one_line(text: str) -> str:
    return " ".join(_plain(text).split())


class StateRequest(BaseModel):
    """Where the incident is to stand."""

    model_config = ConfigDict(extra="forbid")

    state: IncidentState


class AssignRequest(BaseModel):
    """Whose the incident is to be."""

    model_config = ConfigDict(extra="forbid")

    user_id: Annotated[str, Field(min_length=1, max_length=64)] | None = Field(
        description="The Entra object id of an active user of the tenant, or `me`; null for nobody."
    )


class NoteRequest(BaseModel):
    """What is to be written down."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, Field(min_length=1, max_length=MAX_NOTE_CHARS), AfterValidator(_plain)] = Field(
        description="Plain text; control characters are left out."
    )


class EditRequest(BaseModel):
    """What of the incident is to be different; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    title: Annotated[str, Field(min_length=1, max_length=MAX_TITLE_CHARS), AfterValidator(_one_line)] | None = None
    severity: Severity | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if any(getattr(self, name) is None for name in self.model_fields_set) or not self.model_fields_set:
            raise ValueError("name a title, a severity, or both; neither can be removed")
        return self


class InvestigationAsked(BaseModel):
    """Where the investigation will be found; 404 until it is there."""

    incident_id: str
    snapshot_id: str


@router.post("/{incident_id}/acknowledge", summary="Acknowledge an incident")
async def acknowledge_incident(
    incident_id: str,
    response: Response,
    who: Annotated[Acting, Depends(acting_as("acknowledge_incident"))],
    services: Wired,
) -> SummaryView:
    """Somebody has it. What is acknowledged already stays so, and who acknowledged it first."""
    to = IncidentState.ACKNOWLEDGED
    return _shown(await acting.move_incident(who, known_incident(incident_id), to, services), response)


@router.post("/{incident_id}/state", summary="Move an incident into another state")
async def move_incident(
    incident_id: str,
    wanted: StateRequest,
    response: Response,
    who: Annotated[Acting, Depends(acting_as("move_incident"))],
    services: Wired,
) -> SummaryView:
    """By the table of transitions. A move that is not in it is a 409 whose `allowed` names those that are."""
    return _shown(await acting.move_incident(who, known_incident(incident_id), wanted.state, services), response)


@router.post("/{incident_id}/assign", summary="Assign an incident")
async def assign_incident(
    incident_id: str,
    wanted: AssignRequest,
    response: Response,
    who: Annotated[Acting, Depends(acting_as("assign_incident"))],
    services: Wired,
) -> SummaryView:
    """To an active user of the tenant, or to nobody."""
    to = who.principal.object_id if wanted.user_id == "me" else wanted.user_id
    return _shown(await acting.assign_incident(who, known_incident(incident_id), to, services), response)


@router.patch("/{incident_id}", summary="Change an incident's title or severity")
async def edit_incident(
    incident_id: str,
    wanted: EditRequest,
    response: Response,
    who: Annotated[Acting, Depends(acting_as("edit_incident"))],
    services: Wired,
) -> SummaryView:
    """What a person sets stays, whatever alerts come."""
    edit = partial(acting.edit_incident, title=wanted.title, severity=wanted.severity)
    return _shown(await edit(who, known_incident(incident_id), services), response)


@router.post("/{incident_id}/notes", summary="Write a note", status_code=HTTPStatus.CREATED)
async def add_note(
    incident_id: str,
    wanted: NoteRequest,
    response: Response,
    who: Annotated[Acting, Depends(acting_as("add_note"))],
    services: Wired,
) -> SummaryView:
    """It is kept in the timeline with its author, as plain text, and never changed. At most 1,000 an incident."""
    return _shown(await acting.add_note(who, known_incident(incident_id), wanted.text, services), response)


@router.post("/{incident_id}/investigations", summary="Investigate again", status_code=HTTPStatus.ACCEPTED)
async def investigate_again(
    incident_id: str,
    response: Response,
    who: Annotated[Acting, Depends(acting_as("investigate_again"))],
    services: Wired,
) -> InvestigationAsked:
    """Asks for a new snapshot and new hypotheses: one at a time, and one a minute. `Location` says where to look."""
    incident = await acting.look_again(who, known_incident(incident_id), services)
    show_version(response, incident.version)
    snapshot_id = snapshot_id_for(incident.incident_id, trigger_of(who.run_id))
    # Relative, so that the address does not come from the Host header, which the caller chooses.
    response.headers["Location"] = f"snapshots/{snapshot_id}"
    return InvestigationAsked(incident_id=incident.incident_id, snapshot_id=snapshot_id)


def _shown(incident: Incident, response: Response) -> SummaryView:
    show_version(response, incident.version)
    return SummaryView.of(IncidentSummary.of(incident))
