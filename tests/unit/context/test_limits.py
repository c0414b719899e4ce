"""What runs full around the alerting service: what is asked, what is worth showing, and how it is told."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.adapters.memory.services import services_in_memory
from shared.context.collectors.limits import MAX_LIMITS, collect_limits
from shared.context.conventions import BINDINGS, RESOURCES, Carrier
from shared.context.freeze import freeze
from shared.context.fullness import BOUNDS, is_worth_showing, pressure_of
from shared.context.limits_asked import MAX_MACHINES, carried
from shared.context.limits_said import PHRASES
from shared.context.look import Collected, Look
from shared.context.neighbourhood import Neighbour
from shared.context.sentences import sentence_of
from shared.context.service_names import workload_names
from shared.context.whereabouts import Whereabouts, whereabouts
from shared.context.window import window_for
from shared.errors import SourceUnavailable
from shared.models.evidence import LimitEvidence
from shared.models.measures import Pressure, Relation
from shared.models.snapshots import Section, SectionName, SectionStatus, SnapshotBody
from shared.models.tenants import IntegrationType
from shared.ports.metrics import Answer
from tests.builders import ACME, NOON, a_signal, an_alert, an_integration
from tests.unit.context.fake_source import FakeSource, Rule, samples
from tests.unit.context.views import a_view

ROWS = {row.name: row for row in RESOURCES}
DETECTION, LIMITS, MACHINES = "label_replace(count by", "kube_pod_info", "by (instance)"
NEIGHBOURS = {"cart": Neighbour(Relation.CALLEE, 1), "db": Neighbour(Relation.CALLEE, 2)}
KNOWN = samples(
    ({"binding": "deployments/deployment", "deployment": "payment-service"}, 1),
    ({"binding": "deployments/deployment", "deployment": "cart"}, 1),
    ({"binding": "stateful_sets/statefulset", "statefulset": "db"}, 1),
)
BACK = "1920"
"""From the end of the window to its start, 30 minutes before the alert."""
WAS = "; it was 40 % before the trouble."


def limits(*found: tuple[str, str, float, float | None], machines: tuple[tuple[str, str, str], ...] = ()) -> Answer:
    """By resource and subject: the value now and before; and the pods' machines."""
    told = [({"resource": one, "subject": subject, "back": "0"}, now) for one, subject, now, _ in found]
    told += [
        ({"resource": one, "subject": name, "back": BACK}, was) for one, name, _, was in found if was is not None
    ]
    told += [({"subject": name, "node": node, "host_ip": address}, 1.0) for name, node, address in machines]
    return samples(*told)


async def collected(*rules: Rule) -> tuple[Collected, FakeSource]:
    source = FakeSource([*rules, (DETECTION, KNOWN)])
    return await collect_limits(a_view(source, neighbours=NEIGHBOURS)), source


def told(found: Collected) -> list[LimitEvidence]:
    return [one for one in found.evidence if isinstance(one, LimitEvidence)]


def a_limit(**changes: object) -> LimitEvidence:
    fields = {
        "service": "payment",
        "relation": Relation.SELF,
        "resource": "memory_of_limit",
        "carrier": "pod",
        "subject": "payment-service",
        "value": 0.98,
        "value_before": 0.4,
        "pressure": Pressure.EXCEEDED,
        "unit": "ratio",
        "query": "q",
    }
    return LimitEvidence.model_validate({**fields, **changes})


def frozen(*pieces: LimitEvidence) -> SnapshotBody:
    section = Section(name=SectionName.LIMITS, status=SectionStatus.OK, evidence=pieces)
    return freeze("payment", window_for(NOON, NOON + timedelta(minutes=2), 15), [section])


def test_every_row_has_its_bounds_and_its_words() -> None:
    assert set(BOUNDS) == set(PHRASES) == set(ROWS)


@pytest.mark.parametrize(
    ("row", "value", "pressure"),
    [
        ("memory_of_limit", 0.79, Pressure.BELOW),
        ("memory_of_limit", 0.8, Pressure.NEAR),
        ("memory_of_limit", 0.95, Pressure.EXCEEDED),
        ("replicas_missing", 0, Pressure.BELOW),
        ("replicas_missing", 1, Pressure.EXCEEDED),
        ("targets_down", 0.05, Pressure.EXCEEDED),
        ("autoscaler_at_max", 0.99, Pressure.NEAR),
        ("kafka_lag", 1e9, Pressure.BELOW),
    ],
)
def test_a_value_is_at_its_limit_near_it_or_below(row: str, value: float, pressure: Pressure) -> None:
    assert pressure_of(ROWS[row], value) is pressure


@pytest.mark.parametrize(
    ("row", "value", "before", "is_shown"),
    [
        ("cpu_of_limit", 0.5, 0.5, False),
        ("cpu_of_limit", 0.5, None, False),
        ("cpu_of_limit", 0.5, 0.2, True),
        ("cpu_of_limit", 0.3, 0.6, True),
        ("cpu_of_limit", 0.79, 0.81, False),
        ("cpu_of_limit", 0.9, 0.9, True),
        ("replicas_missing", 0, 2, True),
        ("kafka_lag", 5000, 100, True),
        ("kafka_lag", 150, 100, False),
        ("kafka_lag", 90, 0, False),
    ],
)
def test_what_is_near_its_limit_or_has_changed_is_worth_showing(
    row: str, value: float, before: float | None, is_shown: bool
) -> None:
    assert is_worth_showing(ROWS[row], value, before) is is_shown


async def test_limits_are_those_of_the_services_around_by_whatever_name_they_have_there() -> None:
    answer = limits(("replicas_missing", "payment-service", 1, 0), ("memory_of_limit", "db", 0.9, 0.5))
    found, _ = await collected((LIMITS, answer))
    assert [
        (one.service, one.subject, one.carrier, one.hops, one.value, one.value_before) for one in told(found)
    ] == [
        ("payment", "payment-service", "deployment", 0, 1, 0),
        ("db", "db", "pod", 2, 0.9, 0.5),
    ]
    assert [one.pressure for one in told(found)] == [Pressure.EXCEEDED, Pressure.NEAR]


async def test_all_services_are_asked_for_in_one_query_and_each_piece_has_its_own() -> None:
    found, source = await collected((LIMITS, limits(("replicas_missing", "cart", 1, 0))))
    (asked,) = [one for one in source.asked if LIMITS in one]
    assert all(name in asked for name in ("payment-service", "cart", "db", "offset 1920s"))
    (piece,) = told(found)
    assert piece.query is not None
    assert 'deployment="cart"' in piece.query
    assert "payment" not in piece.query


async def test_where_nothing_is_known_nothing_is_asked() -> None:
    source = FakeSource()
    found = await collect_limits(a_view(source, neighbours=NEIGHBOURS))
    assert (found.evidence, found.why_empty) == ((), "no_known_limits")
    assert len(source.asked) == 1


async def test_what_is_within_its_limits_is_not_shown_and_is_not_unknown() -> None:
    found, _ = await collected((LIMITS, limits(("memory_of_limit", "cart", 0.4, 0.4))))
    assert (found.evidence, found.warnings, found.why_empty) == ((), (), "within_limits")


async def test_a_namesake_in_another_namespace_is_not_the_one_in_the_alerts() -> None:
    def here(resource: str, namespace: str, value: float) -> tuple[dict[str, str], float]:
        return {"resource": resource, "subject": "cart", "namespace": namespace, "back": "0"}, value

    answer = samples(
        here("replicas_missing", "prod", 0),
        here("replicas_missing", "staging", 2),
        here("oom_killed", "staging", 1),
        ({"subject": "cart", "namespace": "staging", "node": "node-9", "host_ip": ""}, 1.0),
    )
    source = FakeSource([(LIMITS, answer), (DETECTION, KNOWN)])
    in_prod = a_signal(an_alert(labels={"service": "payment", "namespace": "prod"}))
    found = await collect_limits(a_view(source, neighbours=NEIGHBOURS, signals=[in_prod]))
    assert (found.evidence, found.why_empty) == ((), "within_limits")
    assert len(source.asked) == 2
    elsewhere = a_signal(an_alert(labels={"service": "payment", "namespace": "other"}))
    found = await collect_limits(a_view(source, neighbours=NEIGHBOURS, signals=[elsewhere]))
    assert {(one.resource, one.namespace) for one in told(found)} == {
        ("replicas_missing", "staging"),
        ("oom_killed", "staging"),
    }
    assert all('namespace="staging"' in (one.query or "") for one in told(found))


async def test_what_nobody_asked_for_and_what_is_no_number_is_left_out() -> None:
    strange = limits(
        ("replicas_missing", "somebody-else", 5, 0),
        ("unheard_of", "cart", 5, 0),
        ("memory_of_limit", "cart", float("nan"), 0.1),
        ("memory_of_limit", "db", float("inf"), 0.1),
    )
    found, _ = await collected((LIMITS, strange))
    assert found.why_empty == "no_known_limits"


async def test_the_machines_of_pods_are_asked_for_by_name_and_address_and_told_by_name() -> None:
    runs = (("cart", "node-1", "10.0.0.5"), ("db", "node-1", "10.0.0.5"), ("db", "node-2", "10.0.0.6"))
    full = limits(("node_cpu", "10.0.0.5", 0.99, 0.5), ("node_disk", "node-2", 0.9, 0.9))
    found, source = await collected((LIMITS, limits(machines=runs)), (MACHINES, full))
    assert [(one.service, one.subject, one.resource) for one in told(found)] == [
        ("cart", "node-1", "node_cpu"),
        ("db", "node-2", "node_disk"),
    ]
    assert len(source.asked) == 3


async def test_of_many_machines_the_nearest_are_looked_at() -> None:
    runs = (*(("db", f"node-{n}", "") for n in range(MAX_MACHINES)), ("cart", "z", ""))
    found, source = await collected((LIMITS, limits(machines=runs)))
    assert found.warnings == ("1 more machines are not looked at",)
    assert "|z)" in source.asked[-1]


async def test_machines_that_could_not_be_asked_about_leave_the_rest() -> None:
    answer = limits(("replicas_missing", "cart", 1, 0), machines=(("cart", "node-1", "10.0.0.5"),))
    refused = SourceUnavailable("slow", reason="timeout")
    found, _ = await collected((LIMITS, answer), (MACHINES, refused))
    assert [one.resource for one in told(found)] == ["replicas_missing"]
    assert found.failure == "timeout"
    assert found.warnings == ("the machines could not be asked about: timeout",)


async def test_of_a_source_that_lags_its_newest_scrape_is_now() -> None:
    source = FakeSource([(LIMITS, limits(("replicas_missing", "cart", 1, None))), (DETECTION, KNOWN)])
    view = a_view(source, neighbours=NEIGHBOURS)
    look = await view.look()
    view.looking = asyncio.ensure_future(_lagging(look))
    (piece,) = told(await collect_limits(view))
    assert piece.window_end == look.window.end - timedelta(seconds=150)
    assert "offset 1770s" in (piece.query or "")


async def _lagging(look: Look) -> Look:
    return replace(look, window=replace(look.window, lag_seconds=149.5))


async def test_a_source_that_fails_is_told() -> None:
    with pytest.raises(SourceUnavailable):
        await collected((LIMITS, SourceUnavailable("slow", reason="timeout")))


async def test_of_many_limits_those_that_are_exceeded_and_near_are_kept() -> None:
    runs = tuple(("db", f"node-{n}", "") for n in range(45))
    full = limits(*(("node_cpu", f"node-{n}", 0.85, 0.85) for n in range(45)))
    exceeded = limits(("memory_of_limit", "db", 1.0, 0.5), machines=runs)
    found, _ = await collected((LIMITS, exceeded), (MACHINES, full))
    assert len(found.evidence) == MAX_LIMITS
    assert told(found)[0].resource == "memory_of_limit"
    assert found.warnings == ("6 more limits are left out",)


async def test_what_is_remembered_of_a_prometheus_tells_of_limits_without_another_query() -> None:
    services = services_in_memory()
    await services.records.create(ACME, an_integration(integration_type=IntegrationType.PROMETHEUS, config="sealed"))
    grpc = [({"binding": "grpc/job", "job": name}, 1.0) for name in ("payment", "cart")]
    known = samples(*grpc, *((dict(one.labels), one.value) for one in KNOWN.samples))
    source = FakeSource([(DETECTION, known)])
    wanted, now = ["payment", "cart"], NOON + timedelta(minutes=2)
    first = await whereabouts(ACME, wanted, source, services, reference=NOON, now=now)
    again = await whereabouts(ACME, wanted, source, services, reference=NOON, now=now + timedelta(minutes=9))
    assert (
        first.limited
        == again.limited
        == {
            (Carrier.DEPLOYMENT, ""): {"payment-service": "payment", "cart": "cart"},
            (Carrier.POD, ""): {"payment-service": "payment", "cart": "cart"},
        }
    )
    assert len(source.asked) == 1


async def test_a_workload_belongs_to_the_service_that_is_called_just_so() -> None:
    source = FakeSource([(DETECTION, KNOWN)])
    wanted, now = ["payment", "payment-service"], NOON + timedelta(minutes=2)
    found = await whereabouts(ACME, wanted, source, services_in_memory(), reference=NOON, now=now)
    assert found.limited[Carrier.DEPLOYMENT, ""] == {"payment-service": "payment-service"}


def test_processes_are_asked_for_under_one_label_and_without_open_files_under_their_metrics() -> None:
    binding = next(one for one in BINDINGS if one.name == "micrometer/application")
    where = Whereabouts(
        placed={binding: {"pay": "payment", "cart": "cart"}},
        limited={(Carrier.PROCESS, "service"): {"payment": "payment"}, (Carrier.PROCESS, "job"): {"pay": "payment"}},
    )
    found = carried(where, ["payment", "cart"])
    assert [(one.label, dict(one.services)) for one in found] == [
        ("service", {"payment": "payment"}),
        ("application", {"cart": "cart"}),
    ]


def test_a_workload_may_have_what_kubernetes_adds_to_a_name_or_lack_it() -> None:
    assert workload_names(["shop/Payment_API", "cart-svc"]) == [
        "cart", "cart-deployment", "cart-hpa", "cart-service", "cart-svc",
        "payment-api", "payment-api-deployment", "payment-api-hpa", "payment-api-service", "payment-api-svc",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("piece", "sentence"),
    [
        (
            a_limit(),
            "payment (payment-service): a container uses 98 % of its memory limit (at its limit)" + WAS,
        ),
        (
            a_limit(resource="oom_killed", unit="containers", subject="payment", value=1, value_before=None),
            "payment: a container was killed for its memory within 15 minutes.",
        ),
        (
            a_limit(resource="replicas_missing", unit="replicas", carrier="deployment", value=2, value_before=0),
            "payment (payment-service): replicas that are missing: 2; it was 0 before the trouble.",
        ),
        (
            a_limit(resource="node_cpu", carrier="node", subject="node-1", value=0.85, pressure=Pressure.NEAR),
            "The machine node-1 of payment: 85 % of the CPU time is used (near its limit)" + WAS,
        ),
        (
            a_limit(subject="payment", namespace="prod", value=1, value_before=None),
            "payment in prod: a container uses 100 % of its memory limit (at its limit).",
        ),
        (
            a_limit(resource="row_of_old", unit="things", value=3, value_before=None),
            "payment (payment-service): row of old is 3.",
        ),
    ],
)
def test_a_limit_is_told_in_one_sentence(piece: LimitEvidence, sentence: str) -> None:
    assert sentence_of(piece) == sentence


def test_a_limit_keeps_its_id_whatever_its_value_and_the_worst_comes_first() -> None:
    near = a_limit(resource="cpu_of_limit", value=0.8123456789, pressure=Pressure.NEAR)
    first, second = frozen(near, a_limit()).evidence()
    assert isinstance(second, LimitEvidence)
    assert (first.id, second.value) == (next(iter(frozen(a_limit(value=1.2)).evidence())).id, 0.812346)


def test_what_a_source_calls_a_workload_is_masked_and_cut() -> None:
    hostile = a_limit(subject="ghp_" + "a1B2" * 9 + "x" * 5000)
    (piece,) = frozen(hostile).evidence()
    assert isinstance(piece, LimitEvidence)
    assert "a1B2" not in piece.model_dump_json()
    assert len(piece.subject) <= 120
