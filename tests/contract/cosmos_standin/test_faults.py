"""Faults to order, as the SDK meets them."""

from typing import Any

import httpx
import pytest
from azure.core.exceptions import ServiceRequestError, ServiceResponseError
from azure.cosmos import ContainerProxy, CosmosClient

from dev.cosmos.auth import EMULATOR_KEY
from tests.contract.cosmos_standin.running import Standin, an_item, refused

pytestmark = pytest.mark.integration


def test_a_throttled_request_is_repeated_by_the_sdk(standin: Standin, container: ContainerProxy) -> None:
    standin.order_fault(status=429, count=2, operation="create", retry_after_ms=1)
    container.create_item(an_item())
    assert standin.counted("create", container.id) == 3


def test_a_request_that_stays_throttled_is_given_up(standin: Standin, container: ContainerProxy) -> None:
    standin.order_fault(status=429, count=50, operation="read", retry_after_ms=1)
    with refused(429):
        container.read_item("1", "a")
    assert standin.counted("read", container.id) == 10


@pytest.mark.parametrize("status", [449, 410])
def test_what_the_sdk_does_not_repeat_reaches_the_caller(
    standin: Standin, container: ContainerProxy, status: int
) -> None:
    standin.order_fault(status=status, operation="upsert", container=container.id)
    with refused(status):
        container.upsert_item(an_item())
    container.upsert_item(an_item())


def test_a_fault_meets_only_what_it_names(standin: Standin, container: ContainerProxy) -> None:
    standin.order_fault(status=449, operation="patch", container=container.id)
    standin.order_fault(status=449, operation="any", container="another")
    container.create_item(an_item())
    container.read_item("1", "a")
    list(container.query_items("SELECT * FROM c", partition_key="a"))
    with refused(449):
        container.patch_item("1", "a", [{"op": "set", "path": "/x", "value": 1}])


def test_an_answer_can_be_lost_after_the_work_was_done(standin: Standin, container: ContainerProxy) -> None:
    standin.order_fault(status=449, operation="create", after_commit=True)
    with refused(449):
        container.create_item(an_item())
    assert container.read_item("1", "a")["id"] == "1"


def test_a_request_that_hangs_ends_with_the_clients_patience(standin: Standin, container: ContainerProxy) -> None:
    container.create_item(an_item())
    standin.order_fault(status="hang", count=20, operation="read", container=container.id)
    with (
        CosmosClient(standin.endpoint, EMULATOR_KEY, retry_total=0, retry_read=0, read_timeout=0.2) as impatient,
        pytest.raises((ServiceResponseError, ServiceRequestError)),
    ):
        impatient.get_database_client("db").get_container_client(container.id).read_item("1", "a")
    standin.control("DELETE", "/_faults")
    assert container.read_item("1", "a")["id"] == "1"


def test_faults_are_listed_and_cleared(standin: Standin) -> None:
    standin.order_fault(status=503, count=3, operation="query", container="incidents")
    listed = standin.control("GET", "/_faults").json()
    assert [(fault["status"], fault["left"], fault["container"]) for fault in listed] == [(503, 3, "incidents")]
    assert standin.control("DELETE", "/_faults").status_code == 204
    assert standin.control("GET", "/_faults").json() == []


@pytest.mark.parametrize(
    "fault", [{}, {"status": 200}, {"status": 429, "count": 0}, {"status": 429, "operation": "nap"}, {"state": 429}]
)
def test_what_is_no_fault_is_refused(standin: Standin, fault: dict[str, Any]) -> None:
    answer = standin.control("POST", "/_faults", fault)
    assert answer.status_code == 400
    assert answer.json()["message"].startswith("Not a fault")


def test_its_health_can_be_asked_without_a_signature(standin: Standin) -> None:
    answer: httpx.Response = standin.control("GET", "/_health")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")
