"""Objectives against the real Prometheus: what sloth and pyrra record, and what a tenant declared."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from shared.adapters.guarded_http import GuardedHttp
from shared.adapters.memory.services import services_in_memory
from shared.adapters.prometheus import Connection, PrometheusSource
from shared.context.collectors.slo import collect_slo
from shared.context.neighbourhood import Neighbour
from shared.models.evidence import SloEvidence
from shared.models.measures import Relation
from shared.models.objectives import Objective, Objectives
from tests.builders import ACME, NOON
from tests.integration.backfilled import backfilled, needs_prometheus
from tests.unit.context.views import a_view

pytestmark = [pytest.mark.integration, needs_prometheus]

NOW = datetime.fromtimestamp(int(datetime.now(UTC).timestamp()) // 60 * 60 - 600, UTC)
SLOTH = 'sloth_id="payment-requests",sloth_service="payment",sloth_slo="requests"'
PYRRA = 'slo="cart-availability"'
NEIGHBOURS = {name: Neighbour(Relation.CALLEE, 1) for name in ("cart", "ledger")}
STEP = 300


def a_history() -> str:
    recorded = {
        f'slo:sli_error:ratio_rate5m{{{SLOTH},sloth_window="5m"}}': 0.02,
        f'slo:sli_error:ratio_rate1h{{{SLOTH},sloth_window="1h"}}': 0.0144,
        f"slo:objective:ratio{{{SLOTH}}}": 0.999,
        f"slo:period_error_budget_remaining:ratio{{{SLOTH}}}": 0.25,
        f"slo:time_period:days{{{SLOTH}}}": 28,
        f"cart_requests:burnrate5m{{{PYRRA}}}": 0.05,
        f"cart_requests:burnrate1h{{{PYRRA}}}": 0.02,
        f"pyrra_objective{{{PYRRA}}}": 0.99,
        f"pyrra_availability{{{PYRRA}}}": 0.995,
    }
    lines: list[str] = []
    for series, value in recorded.items():
        lines += [f"# TYPE {series.partition('{')[0]} gauge", f"{series} {value} {NOW.timestamp():.0f}"]
    lines.append("# TYPE http_requests counter")
    for code, per_second in (("200", 9.9), ("500", 0.1)):
        for step in range(2 * 3600 // STEP, -1, -1):
            at = NOW - timedelta(seconds=STEP * step)
            total = per_second * (2 * 3600 - STEP * step)
            lines.append(f'http_requests_total{{service="ledger",code="{code}"}} {total:g} {at.timestamp():.0f}')
    return "\n".join([*lines, "# EOF", ""])


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with backfilled(a_history(), tmp_path_factory.mktemp("slo")) as url:
        yield url


async def test_recorded_and_declared_objectives_are_found_in_one_look(prometheus: str) -> None:
    services = services_in_memory()
    ledger = Objective(service="ledger", objective=0.999)
    record = Objectives(id="objectives", tenant_id=ACME, created_at=NOON, objectives=(ledger,))
    await services.records.create(ACME, record)
    http = GuardedHttp(allow_private=True)
    try:
        source = PrometheusSource(http, Connection(prometheus))
        found = await collect_slo(a_view(source, neighbours=NEIGHBOURS, services=services, reference=NOW, now=NOW))
    finally:
        await http.aclose()
    slos = {one.service: one for one in found.evidence if isinstance(one, SloEvidence)}
    assert {name: one.told_by for name, one in slos.items()} == {
        "payment": "sloth", "cart": "pyrra", "ledger": "declared",
    }  # fmt: skip
    assert [(one.window_seconds, one.rate) for one in slos["payment"].burn_rates] == [(300, 20.0), (3600, 14.4)]
    assert [(one.window_seconds, one.rate) for one in slos["cart"].burn_rates] == [(300, 5.0), (3600, 2.0)]
    assert (slos["payment"].budget_left, slos["cart"].budget_left) == (0.25, 0.5)
    hour = next(one.rate for one in slos["ledger"].burn_rates if one.window_seconds == 3600)
    assert hour == pytest.approx(10, rel=0.01)
    assert slos["ledger"].budget_left == pytest.approx(-9, rel=0.01)
