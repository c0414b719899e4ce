"""Objectives: recorded by sloth or pyrra, or declared by the tenant."""

from datetime import timedelta

from shared.adapters.memory.services import services_in_memory
from shared.context.collectors.slo import collect_slo
from shared.context.look import Collected
from shared.context.neighbourhood import Neighbour
from shared.context.slo_rules import recorded_query, recorded_slos
from shared.errors import SourceUnavailable
from shared.models.evidence import SloEvidence
from shared.models.measures import Relation
from shared.models.objectives import Objective, Objectives
from shared.ports.metrics import Sample
from tests.builders import ACME, NOON
from tests.unit.context.fake_source import FakeSource, Rule, samples
from tests.unit.context.views import a_view

HOUR = 3600
SLOTH = {"sloth_id": "payment-requests", "sloth_service": "payment", "sloth_slo": "requests"}
PYRRA = {"slo": "shop-cart-errors"}


def told(found: Collected) -> list[SloEvidence]:
    return [one for one in found.evidence if isinstance(one, SloEvidence)]


def recorded(*found: tuple[dict[str, str], str, float]) -> list[Sample]:
    return [Sample({**labels, "__name__": name}, 0.0, value) for labels, name, value in found]


def test_what_sloth_records_of_an_objective_is_read_together() -> None:
    found = recorded(
        ({**SLOTH, "sloth_window": "1h"}, "slo:sli_error:ratio_rate1h", 0.0144),
        ({**SLOTH, "sloth_window": "5m"}, "slo:sli_error:ratio_rate5m", 0.02),
        (SLOTH, "slo:objective:ratio", 0.999),
        (SLOTH, "slo:time_period:days", 28),
        (SLOTH, "slo:period_error_budget_remaining:ratio", 0.5),
    )
    (slo,) = recorded_slos(found, ["payment"], "q")
    assert (slo.service, slo.name, slo.objective, slo.period_days) == ("payment", "requests", 0.999, 28)
    assert [(one.window_seconds, one.rate) for one in slo.burn_rates] == [(300, 20.0), (HOUR, 14.4)]
    assert (slo.budget_left, slo.exhausted_in_seconds, slo.told_by) == (0.5, 84_000, "sloth")


def test_an_objective_of_pyrra_belongs_to_the_longest_service_in_its_name() -> None:
    found = recorded(
        (PYRRA, "http_requests:burnrate5m", 0.02),
        (PYRRA, "http_requests:burnrate1h", 0.01),
        (PYRRA, "http_requests:burnrate4d", 0.002),
        (PYRRA, "http_requests:burnrate30m", 0.5),
        (PYRRA, "pyrra_objective", 0.99),
        (PYRRA, "pyrra_window", 28 * 24 * HOUR),
        (PYRRA, "pyrra_availability", 0.992),
    )
    (slo,) = recorded_slos(found, ["shop", "shop-cart"], "q")
    assert (slo.service, slo.name, slo.period_days, slo.budget_left) == ("shop-cart", "shop-cart-errors", 28, 0.2)
    assert [(one.window_seconds, one.rate) for one in slo.burn_rates] == [(300, 2.0), (HOUR, 1.0), (72 * HOUR, 0.2)]


def test_an_objective_without_its_target_or_of_somebody_else_is_left_out() -> None:
    untargeted = recorded((SLOTH, "slo:sli_error:ratio_rate5m", 0.02))
    foreign = recorded(({"sloth_id": "x", "sloth_service": "other"}, "slo:objective:ratio", 0.9))
    nonsense = recorded((SLOTH, "slo:objective:ratio", 1.0), (PYRRA, "pyrra_objective", float("nan")))
    assert recorded_slos([*untargeted, *foreign], ["payment"], "q") == []
    assert recorded_slos(nonsense, ["payment", "shop-cart"], "q") == []


def test_names_from_outside_are_only_ever_quoted() -> None:
    query = recorded_query(['pay"} or vector(1)', "a.b"])
    assert 'pay\\"\\\\} or vector\\\\(1\\\\)' in query
    assert 'slo=~"(a\\\\.b|' in query


async def test_a_prometheus_without_rules_and_a_tenant_without_objectives_is_empty() -> None:
    found = await collect_slo(a_view(FakeSource()))
    assert (found.evidence, found.why_empty) == ((), "no_objectives")


DETECTED: Rule = (
    "label_replace(count by",
    samples(({"binding": "prometheus_client/service", "service": "payment"}, 1)),
)


def ratio(over: int, value: float) -> tuple[dict[str, str], float]:
    return {"service": "payment", "binding": "prometheus_client/service", "over": str(over)}, value


NOW = samples(ratio(300, 0.02), ratio(HOUR, 0.0144), ratio(6 * HOUR, 0.001))


async def declared(*rules: Rule) -> Collected:
    services = services_in_memory()
    objectives = (Objective(service="payment", objective=0.999), Objective(service="stranger", objective=0.9))
    record = Objectives(id="objectives", tenant_id=ACME, created_at=NOON, objectives=objectives)
    await services.records.create(ACME, record)
    return await collect_slo(a_view(FakeSource([DETECTED, *rules]), services=services))


async def test_a_declared_objective_is_measured_as_its_service_is_known() -> None:
    (slo,) = told(await declared(('"over", "2592000"', samples(ratio(2_592_000, 0.0005))), ('"over", "300"', NOW)))
    assert [(one.window_seconds, one.rate) for one in slo.burn_rates] == [(300, 20.0), (HOUR, 14.4), (6 * HOUR, 1.0)]
    assert (slo.told_by, slo.budget_left, slo.exhausted_in_seconds) == ("declared", 0.5, 90_000)


async def test_burn_rates_stand_when_the_whole_period_is_too_much_to_ask() -> None:
    too_much = SourceUnavailable("too many samples", reason="execution")
    found = await declared(('"over", "2592000"', too_much), ('"over", "300"', NOW))
    (slo,) = told(found)
    assert (slo.burn_rates[1].rate, slo.budget_left, slo.exhausted_in_seconds) == (14.4, None, None)
    assert "what is left of the budgets could not be asked: execution" in found.warnings


async def test_a_service_that_nobody_measures_has_its_objective_named() -> None:
    services = services_in_memory()
    objectives = (Objective(service="payment", objective=0.999),)
    record = Objectives(id="objectives", tenant_id=ACME, created_at=NOON, objectives=objectives)
    await services.records.create(ACME, record)
    found = await collect_slo(a_view(FakeSource(), services=services, now=NOON + timedelta(minutes=1)))
    assert (found.evidence, found.failure) == ((), "not_measured")
    assert "no known request metrics of payment: its objective is not measured" in found.warnings


async def test_what_rules_record_stands_when_declared_objectives_cannot_be_measured() -> None:
    recorded_of_bank = samples(
        ({"sloth_id": "bank-x", "sloth_service": "bank", "sloth_slo": "x", "__name__": "slo:objective:ratio"}, 0.999)
    )
    services = services_in_memory()
    objectives = (Objective(service="payment", objective=0.999),)
    record = Objectives(id="objectives", tenant_id=ACME, created_at=NOON, objectives=objectives)
    await services.records.create(ACME, record)
    down = SourceUnavailable("down", reason="timeout")
    source = FakeSource([("sloth_service", recorded_of_bank), ("", down)])
    around = {"bank": Neighbour(Relation.CALLEE, 1)}
    found = await collect_slo(a_view(source, services=services, neighbours=around))
    assert ([one.service for one in told(found)], found.failure) == (["bank"], "timeout")
    assert "the declared objectives could not be measured: timeout" in found.warnings
