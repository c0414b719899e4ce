"""A Prometheus that fails in every way it can: where the graph is known from before, it stands in with its age."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from shared.adapters.guarded_http import GuardedHttp
from shared.adapters.memory.services import services_in_memory
from shared.adapters.prometheus import Connection, Limits, PrometheusSource
from shared.context.collectors.topology import PATIENCE_SECONDS, find_neighbourhood
from shared.context.neighbourhood import Neighbourhood
from shared.models.topology import Call, KnownTopology
from tests.builders import ACME, NOON
from tests.fakes.prometheus_server import Behaviour, FakePrometheus, empty, hang, partial, unlabelled
from tests.fakes.shop_metrics import edges
from tests.integration.test_snapshot_faults import FAILING
from tests.unit.context.views import a_view

pytestmark = pytest.mark.integration

NOW = NOON + timedelta(minutes=2)
KNOWN = Call(caller="payment", callee="ledger", seen_at=NOON - timedelta(hours=1), calls_per_second=3)


@pytest.fixture
async def http() -> AsyncIterator[GuardedHttp]:
    client = GuardedHttp(allow_private=True)
    yield client
    await client.aclose()


async def looked(
    http: GuardedHttp, behaviour: Behaviour, *, patience_seconds: float = PATIENCE_SECONDS
) -> Neighbourhood:
    """The neighbourhood of a payment that is known to have called the ledger, when Prometheus does this."""
    services = services_in_memory()
    known = KnownTopology(id=KnownTopology.id_for(), tenant_id=ACME, calls=(KNOWN,), updated_at=KNOWN.seen_at)
    await services.surroundings.keep(ACME, known, None)
    async with FakePrometheus([("", behaviour)]) as server:
        source = PrometheusSource(http, Connection(server.url), limits=Limits(pause_seconds=0))
        return await find_neighbourhood(a_view(source, services=services, now=NOW), patience_seconds=patience_seconds)


@pytest.mark.parametrize("fault", FAILING)
async def test_a_fault_leaves_the_graph_as_it_was_known_and_says_which(http: GuardedHttp, fault: str) -> None:
    behaviour, reason = FAILING[fault]
    found = await looked(http, behaviour)
    assert (found.is_stale, found.failure, found.as_of) == (True, reason, KNOWN.seen_at)
    assert set(found.neighbours) == {"ledger"}


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [(empty(), "no_calls_measured"), (unlabelled(), "no_calls_measured")],
)
async def test_an_answer_without_calls_ends_no_calls(http: GuardedHttp, behaviour: Behaviour, reason: str) -> None:
    found = await looked(http, behaviour)
    assert (found.is_stale, found.failure, set(found.neighbours)) == (True, reason, {"ledger"})
    assert [one.calls_per_second for one in found.edges] == [3]


async def test_a_prometheus_that_hangs_is_given_up(http: GuardedHttp) -> None:
    found = await looked(http, hang(), patience_seconds=0.1)
    assert (found.is_stale, found.failure, set(found.neighbours)) == (True, "timeout", {"ledger"})


async def test_a_whole_answer_ends_calls_and_a_part_of_one_does_not(http: GuardedHttp) -> None:
    told = edges(("payment", "db"))
    for behaviour, ended in ((told, True), (partial("a store is down", told), False)):
        found = await looked(http, behaviour)
        kept = next(one for one in found.edges if one.callee == "ledger")
        assert (kept.is_silent, found.is_stale, found.failure) == (ended, False, None)
