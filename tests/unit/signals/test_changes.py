"""Our own schema for changes: a service is all it needs."""

import json
from typing import Any

import pytest

from shared.errors import Malformed
from shared.models.changes import ChangeKind, ChangeStatus, ReportedChange
from shared.models.signals import ParsedDelivery, Source
from shared.signals.sources import parse
from tests.builders import NOON, ONE_SECOND


def read(payload: object) -> ParsedDelivery:
    return parse(Source.CHANGES, json.dumps(payload).encode(), received_at=NOON)


def the_change(**fields: Any) -> ReportedChange:
    (change,) = read({"changes": [{"service": "payment", **fields}]}).changes
    return change


def test_a_service_alone_is_a_deploy_that_succeeded_when_it_was_received() -> None:
    change = the_change()
    assert (change.kind, change.status, change.at) == (ChangeKind.DEPLOY, ChangeStatus.SUCCEEDED, NOON)
    assert (change.title, change.version) == ("payment changed", None)


def test_one_change_may_stand_alone() -> None:
    assert read({"service": "payment"}) == read({"changes": [{"service": "payment"}]})


@pytest.mark.parametrize("kind", list(ChangeKind))
@pytest.mark.parametrize("status", list(ChangeStatus))
def test_every_kind_and_status_travels(kind: ChangeKind, status: ChangeStatus) -> None:
    change = the_change(kind=kind.value, status=status.value)
    assert (change.kind, change.status) == (kind, status)


def test_a_later_report_with_the_same_id_is_about_the_same_change() -> None:
    begun, done = the_change(id="run-991", status="in_progress"), the_change(id="run-991", version="1.5.0")
    assert begun.change_id == done.change_id != the_change(id="run-992").change_id


def test_without_an_id_service_kind_version_and_time_tell_changes_apart() -> None:
    at = (NOON - ONE_SECOND).isoformat()
    assert the_change(kind="config", at=at).change_id != the_change(kind="deploy", at=at).change_id
    assert the_change(version="1", at=at).change_id == the_change(version="1", at=at).change_id
    assert len({the_change(version=v, at=t).change_id for v in ("1", "2") for t in (at, NOON.isoformat())}) == 4


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ({}, "no_service"),
        ({"service": None}, "no_service"),
        ({"service": "payment", "kind": "explosion"}, "bad_kind_or_status"),
        ({"service": "payment", "kind": ["deploy"]}, "bad_kind_or_status"),
        ({"service": "payment", "status": {"a": 1}}, "bad_kind_or_status"),
        (7, "not_an_object"),
    ],
)
def test_one_bad_change_is_named_with_its_place_and_the_good_one_stays(item: object, reason: str) -> None:
    parsed = read({"changes": [item, {"service": "cart"}]})
    assert [one.service_name for one in parsed.changes] == ["cart"]
    assert [(one.position, one.reason) for one in parsed.rejected] == [(0, reason)]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [({}, "no_changes"), ({"changes": "x"}, "no_changes"), ({"changes": [0] * 501}, "too_many_changes")],
)
def test_a_body_without_changes_is_refused_with_its_reason(payload: object, reason: str) -> None:
    with pytest.raises(Malformed) as refused:
        read(payload)
    assert refused.value.reason == reason
