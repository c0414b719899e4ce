"""Pages of the incident list: one question as a query for Cosmos DB and as a test in memory, and its cursor."""

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from shared.adapters.writes import MAX_CURSOR_CHARS, can_be_id
from shared.errors import Malformed
from shared.models.incidents import IncidentSummary
from shared.ports.listing import NOBODY, IncidentOrder, IncidentQuery

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
_MAX_RANK = 9

SORTED_BY: Mapping[IncidentOrder, tuple[tuple[str, bool], ...]] = {
    IncidentOrder.NEWEST: (("detected_at", True), ("id", True)),
    IncidentOrder.UPDATED: (("updated_at", True), ("id", True)),
    IncidentOrder.SEVERITY: (("severity_rank", False), ("detected_at", True), ("id", True)),
}
"""The fields of each order, and whether it descends; each has its composite index in `containers.py`."""

# A summary written before incidents could be merged has no such field.
_LISTED = "(NOT IS_DEFINED(c.merged_into) OR IS_NULL(c.merged_into))"


def question(query: IncidentQuery, cursor: str | None) -> tuple[str, dict[str, object]]:
    """The query's text, made of constants alone, and its parameters; raises Malformed on a foreign cursor."""
    terms, parameters = _terms(query)
    if cursor is not None:
        places = place_of(cursor, query)
        terms.append(_after([name for name, _ in SORTED_BY[query.order]], query.order))
        parameters |= {f"after{number}": value for number, value in enumerate(places)}
    order = ", ".join(f"c.{name} {'DESC' if down else 'ASC'}" for name, down in SORTED_BY[query.order])
    text = f"SELECT * FROM c WHERE {' AND '.join(terms)} ORDER BY {order}"  # noqa: S608 -- constants of this module
    return text, parameters


def _terms(query: IncidentQuery) -> tuple[list[str], dict[str, object]]:
    terms, parameters = [_LISTED], dict[str, object]()
    if query.order is IncidentOrder.SEVERITY:
        # Summaries of before this order existed have no rank until their incident changes.
        terms.append("IS_DEFINED(c.severity_rank)")
    for field, wanted in (("state", query.states), ("severity", query.severities)):
        if wanted:
            named = {f"{field}{number}": str(value) for number, value in enumerate(sorted(wanted))}
            terms.append(f"c.{field} IN ({', '.join(f'@{name}' for name in named)})")
            parameters |= named
    if query.service is not None:
        terms.append("ARRAY_CONTAINS(c.service_names, @service)")
        parameters["service"] = query.service
    if query.assignee == NOBODY:
        terms.append("IS_NULL(c.assigned_to)")
    compared = (
        ("assigned_to", "=", "assignee", None if query.assignee == NOBODY else query.assignee),
        ("detected_at", ">=", "detected_from", _stored(query.detected_from)),
        ("detected_at", "<", "detected_to", _stored(query.detected_to)),
        ("is_open", "=", "is_open", query.is_open),
    )
    for field, operator, name, value in compared:
        if value is not None:
            terms.append(f"c.{field} {operator} @{name}")
            parameters[name] = value
    return terms, parameters


def _after(names: Sequence[str], order: IncidentOrder) -> str:
    """What comes after a place: greater in the first field, or the same there and greater in the next, and so on."""
    choices = []
    for last, (name, down) in enumerate(SORTED_BY[order]):
        same = [f"c.{before} = @after{number}" for number, before in enumerate(names[:last])]
        choices.append(" AND ".join([*same, f"c.{name} {'<' if down else '>'} @after{last}"]))
    return f"({' OR '.join(f'({choice})' for choice in choices)})"


def _stored(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def is_asked_for(body: Mapping[str, Any], query: IncidentQuery) -> bool:
    """Whether a stored summary belongs to the answer."""
    since, until = _stored(query.detected_from), _stored(query.detected_to)
    assignee = None if query.assignee == NOBODY else query.assignee
    return (
        not body.get("merged_into")
        and (query.order is not IncidentOrder.SEVERITY or "severity_rank" in body)
        and (not query.states or body["state"] in query.states)
        and (not query.severities or body["severity"] in query.severities)
        and (query.service is None or query.service in body.get("service_names", ()))
        and (query.assignee is None or body["assigned_to"] == assignee)
        and (since is None or body["detected_at"] >= since)
        and (until is None or body["detected_at"] < until)
        and (query.is_open is None or body["is_open"] is query.is_open)
    )


def in_order(bodies: list[dict[str, Any]], query: IncidentQuery) -> list[dict[str, Any]]:
    """Stored summaries as the order wants them."""
    for name, down in reversed(SORTED_BY[query.order]):
        bodies = sorted(bodies, key=lambda body: body[name], reverse=down)
    return bodies


def is_after(body: Mapping[str, Any], places: Sequence[Any], query: IncidentQuery) -> bool:
    """Whether a stored summary comes after a cursor's place."""
    for (name, down), passed in zip(SORTED_BY[query.order], places, strict=True):
        if body[name] != passed:
            return bool((body[name] < passed) == down)
    return False


def cursor_after(summary: IncidentSummary, query: IncidentQuery) -> str:
    """An opaque cursor that goes on after this summary: its order values, not a position."""
    stored = summary.to_stored()
    return _spelt(query.mark, [stored[name] for name, _ in SORTED_BY[query.order]])


def place_of(cursor: str, query: IncidentQuery) -> tuple[Any, ...]:
    """The order values of a cursor; raises Malformed for one that is not ours, or of another question."""
    try:
        if len(cursor) > MAX_CURSOR_CHARS:
            raise ValueError("too long")
        said = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not isinstance(said, list):
            raise TypeError("not a list")
        marks = 0 if query.mark is None else 1
        if said[:marks] != [query.mark][:marks]:
            raise ValueError("of another question")
        places = said[marks:]
        for (name, _), value in zip(SORTED_BY[query.order], places, strict=True):
            _require_value(name, value)
        # Each place in the list has one spelling; base64 and JSON alone would take many.
        if _spelt(query.mark, places) != cursor:
            raise ValueError("not as we spell it")
    except (ValueError, TypeError, Base64Error, RecursionError) as exc:
        raise Malformed("the cursor is not one of ours", reason="bad_cursor") from exc
    return tuple(places)


def _require_value(name: str, value: object) -> None:
    if name == "severity_rank":
        is_ours = type(value) is int and 0 <= value <= _MAX_RANK
    elif not isinstance(value, str):
        is_ours = False
    elif name == "id":
        is_ours = can_be_id(value)
    else:
        is_ours = _MOMENT.fullmatch(value) is not None and bool(datetime.fromisoformat(value))
    if not is_ours:
        raise ValueError("not the values of a summary")


def _spelt(mark: str | None, places: Sequence[Any]) -> str:
    values = [*([] if mark is None else [mark]), *places]
    return urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")
