"""GitHub's deployment statuses become changes; everything else it sends needs nothing."""

import json
from datetime import timedelta
from typing import Any

import pytest

from shared.errors import Malformed
from shared.models.changes import ChangeKind, ChangeStatus, ReportedChange
from shared.models.signals import ParsedDelivery, Source
from shared.signals.sources import parse
from tests.builders import NOON

SHA = "5d3f0c1b2a4e69788796a5b4c3d2e1f001122334"


def a_payload(*, status: dict[str, Any] | None = None, **deployment: Any) -> dict[str, Any]:
    return {
        "deployment_status": {"state": "success", "updated_at": "2026-11-23T11:59:00Z", **(status or {})},
        "deployment": {"id": 991, "ref": "v1.5.0", "sha": SHA, "environment": "production", **deployment},
        "repository": {"full_name": "acme/payment"},
    }


def read(payload: object) -> ParsedDelivery:
    return parse(Source.GITHUB, json.dumps(payload).encode(), received_at=NOON)


def the_change(*, status: dict[str, Any] | None = None, **deployment: Any) -> ReportedChange:
    (change,) = read(a_payload(status=status, **deployment)).changes
    return change


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("success", ChangeStatus.SUCCEEDED),
        ("in_progress", ChangeStatus.IN_PROGRESS),
        ("failure", ChangeStatus.FAILED),
        ("error", ChangeStatus.FAILED),
    ],
)
def test_a_state_says_how_far_the_deploy_got(state: str, status: ChangeStatus) -> None:
    assert the_change(status={"state": state}).status is status


@pytest.mark.parametrize("state", ["queued", "pending", "inactive", "waiting"])
def test_a_deploy_that_has_not_begun_or_was_replaced_needs_nothing(state: str) -> None:
    assert read(a_payload(status={"state": state})) == ParsedDelivery(ignored=f"state_{state}")


def test_a_state_of_tomorrow_is_kept_and_not_refused() -> None:
    assert read(a_payload(status={"state": "levitating"})) == ParsedDelivery(unknown_shape="unknown_state")


def test_all_statuses_of_a_deployment_are_about_one_change_at_the_statuss_time() -> None:
    begun, done = (
        the_change(status={"state": "in_progress"}),
        the_change(status={"updated_at": "2026-11-23T12:05:00Z"}),
    )
    assert begun.change_id == done.change_id
    assert (begun.at, done.at) == (NOON - timedelta(minutes=1), NOON + timedelta(minutes=5))


@pytest.mark.parametrize(
    ("told", "service", "version"),
    [
        ({"service": "payment-api", "version": "1.5.1"}, "payment-api", "1.5.1"),
        ('{"service": "payment-api"}', "payment-api", "v1.5.0"),
        ("not json", "payment", "v1.5.0"),
        ("[" * 100_000, "payment", "v1.5.0"),
        (None, "payment", "v1.5.0"),
        ([], "payment", "v1.5.0"),
    ],
)
def test_the_payload_names_service_and_version_and_else_repository_and_ref(
    told: object, service: str, version: str
) -> None:
    change = the_change(payload=told)
    assert (change.service_name, change.version, change.service_key) == (service, version, "acme/payment")


def test_a_ref_that_is_the_commit_itself_is_shortened() -> None:
    assert the_change(ref=SHA).version == SHA[:12]


@pytest.mark.parametrize(("task", "kind"), [("rollback", ChangeKind.ROLLBACK), ("deploy", ChangeKind.DEPLOY)])
def test_a_rollback_says_so_in_its_task(task: str, kind: ChangeKind) -> None:
    assert the_change(task=task).kind is kind


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        ({"zen": "Keep it logically awesome.", "hook_id": 1}, "test_event"),
        ({"ref": "refs/heads/main", "commits": []}, "not_a_deployment_status"),
        ({"deployment": {"id": 1}}, "not_a_deployment_status"),
        ({}, "not_a_deployment_status"),
    ],
)
def test_other_events_need_nothing_and_say_why(payload: dict[str, Any], why: str) -> None:
    assert read(payload) == ParsedDelivery(ignored=why)


@pytest.mark.parametrize("missing", ["id", "repository"])
def test_a_deployment_that_cannot_be_told_from_others_is_refused(missing: str) -> None:
    payload = a_payload()
    payload["deployment"].pop(missing, None)
    payload.pop(missing, None)
    with pytest.raises(Malformed) as refused:
        read(payload)
    assert refused.value.reason == "no_deployment"
