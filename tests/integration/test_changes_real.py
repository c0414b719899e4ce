"""What a real Prometheus tells of changes: a day of versions, ReplicaSets, config maps and processes."""

import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from shared.adapters.guarded_http import GuardedHttp
from shared.adapters.prometheus import Connection, PrometheusSource
from shared.context.budget import Budgeted
from shared.context.collectors.changes import collect_changes
from shared.context.look import Collected
from shared.context.neighbourhood import Neighbour
from shared.models.changes import ChangeKind
from shared.models.evidence import ChangeEvidence
from shared.models.measures import Relation
from tests.builders import an_incident
from tests.integration.backfilled import backfilled, needs_prometheus
from tests.unit.context.views import a_view

pytestmark = [pytest.mark.integration, needs_prometheus]

NOW = datetime.fromtimestamp(int(time.time()) // 300 * 300 - 600, UTC)
REFERENCE = NOW - timedelta(minutes=10)
AROUND = ("payment", "cart", "frontend", "mail", "web", 'a"b\\c.*|d\ne$f(')
SCRAPE_SECONDS = 60


def ago(**units: float) -> float:
    return (NOW - timedelta(**units)).timestamp()


LATELY = Callable[[float], float | None]


def between(start: float, end: float, value: float = 1.0) -> LATELY:
    return lambda at: value if start <= at < end else None


ALWAYS = ago(hours=30)
UNTIL = NOW.timestamp() + 1
CART_MADE, FRONTEND_MADE, BACK = ago(minutes=20) + 7, ago(hours=5) + 13, ago(minutes=12)
SETS = "kube_replicaset_spec_replicas"
# As a scrape names them that does not honour labels.
OLD_SET, NEW_SET = (
    f'namespace="monitoring",exported_namespace="shop",replicaset="frontend-service-{suffix}"'
    for suffix in ("7c9d8b6f5z", "6b5c4d7f8x")
)
SERIES: dict[str, list[tuple[str, LATELY]]] = {
    "checkout_build_info": [
        # Two restarts of one version that nothing takes the place of are no change.
        ('job="checkout",version="2.0.0"', lambda at: 1.0 if at < ago(hours=3) or at >= ago(minutes=15) else None),
        ('job="checkout",version="2.1.0"', between(ago(hours=3), ago(minutes=15))),
        ('job="cart",version="9"', lambda at: None if ago(hours=9) < at < ago(hours=8) else 1.0),
    ],
    "go_build_info": [('job="checkout",version="go1.25"', between(ago(minutes=15), UNTIL))],
    "target_info": [
        ('job="shop/payment",service_version="1.0"', between(ALWAYS, ago(minutes=14))),
        ('job="shop/payment",service_version="1.1"', between(ago(minutes=14), UNTIL)),
        ('job="other/web",service_version="1"', between(ALWAYS, UNTIL)),
        ('job="shop/web",service_version="2"', between(ago(minutes=14), UNTIL)),
    ],
    SETS: [
        ('namespace="shop",replicaset="cart-5d4f8c7b9d"', lambda at: 3.0 if at < CART_MADE else 0.0),
        ('namespace="shop",replicaset="cart-66bd9c7f4x"', between(CART_MADE, UNTIL, 3)),
        (OLD_SET,
         lambda at: 2.0 if at < FRONTEND_MADE or at >= BACK else 0.0),
        (NEW_SET,
         lambda at: None if at < FRONTEND_MADE else 2.0 if at < BACK else 0.0),
        ('namespace="shop",replicaset="mail-5d4f8c7b9d"', between(ALWAYS, ago(minutes=13))),
        ('namespace="shop",replicaset="mail-66bd9c7f4x"', between(ago(minutes=13), UNTIL)),
        ('namespace="staging",replicaset="mail-66bd9c7f4x"', between(ALWAYS, UNTIL)),
        ('namespace="shop",replicaset="cart-canary"', between(ago(minutes=13), UNTIL)),
    ],
    "kube_replicaset_created": [
        ('namespace="shop",replicaset="cart-5d4f8c7b9d"', between(ALWAYS, UNTIL, ago(days=9))),
        ('namespace="shop",replicaset="cart-66bd9c7f4x"', between(CART_MADE, UNTIL, CART_MADE)),
        (OLD_SET, between(ALWAYS, UNTIL, ago(days=9))),
        (NEW_SET, between(FRONTEND_MADE, UNTIL, FRONTEND_MADE)),
    ],
    "kube_configmap_metadata_resource_version": [
        ('namespace="shop",configmap="checkout-config"', lambda at: 4711.0 if at < ago(minutes=11) else 4712.0),
        ('namespace="shop",configmap="payment"', lambda at: float(int(at))),
    ],
    "process_start_time_seconds": [
        ('job="checkout",instance="a"', between(ALWAYS, UNTIL, ago(days=1))),
        ('job="checkout",instance="b"', between(ago(minutes=15), UNTIL, ago(minutes=15) + 3)),
        ('job="payment",instance="a"', between(ago(minutes=25), UNTIL, ago(minutes=25) + 3)),
        ('job="payment",instance="b"', between(ago(minutes=25), UNTIL, ago(minutes=25) + 4)),
        ('job="web",instance="a"', between(ago(minutes=25), UNTIL, ago(minutes=25) + 4)),
    ],
    "up": [('job="checkout"', between(ALWAYS, UNTIL))],
}  # fmt: skip


def a_day() -> str:
    """The history as OpenMetrics."""
    # Long ago as seldom as Prometheus still finds every sample, which saves the test a second.
    times = [ago(hours=26) + 240 * number for number in range(24 * 15)]
    times += [ago(hours=2) + SCRAPE_SECONDS * number for number in range(2 * 60 + 1)]
    parts = []
    for family, series in SERIES.items():
        samples = ((labels, at, value(at)) for labels, value in series for at in times)
        lines = [
            f"{family}{{{labels}}} {found:.17g} {at:.3f}\n" for labels, at, found in samples if found is not None
        ]
        # An OpenMetrics gauge may not be called `*_info`, which Prometheus does not mind.
        parts.append(f"# TYPE {family} gauge\n{''.join(lines)}")
    return "".join(parts) + "# EOF\n"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with backfilled(a_day(), tmp_path_factory.mktemp("prometheus")) as found:
        yield found


@pytest.fixture
async def source(url: str) -> AsyncIterator[Budgeted]:
    http = GuardedHttp(allow_private=True)
    yield Budgeted(PrometheusSource(http, Connection(url)))
    await http.aclose()


async def collected(source: Budgeted) -> Collected:
    around = {name: Neighbour(Relation.CALLEE, 1) for name in AROUND}
    incident = an_incident(service_name="checkout")
    return await collect_changes(
        a_view(source, neighbours=around, incident=incident, reference=REFERENCE, now=NOW, scrape_seconds=60)
    )


def of(found: Collected, service: str) -> list[ChangeEvidence]:
    changes = [one for one in found.evidence if isinstance(one, ChangeEvidence) and one.service == service]
    return sorted(changes, key=lambda one: one.at)


async def test_a_day_of_changes_takes_three_queries(source: Budgeted) -> None:
    found = await collected(source)
    assert (found.failure, source.asked) == (None, 3)
    assert set(found.warnings) == {
        "mail could be shop/mail or staging/mail in Kubernetes: changes there are not told",
        "web could be other/web or shop/web in Prometheus: the versions there are not told",
    }


async def test_a_version_long_ago_is_known_to_five_minutes_and_one_near_the_alert_to_a_scrape(
    source: Budgeted,
) -> None:
    deploy, back, config = of(await collected(source), "checkout")
    assert (deploy.change, deploy.version, deploy.previous_version) == (ChangeKind.DEPLOY, "2.1.0", "2.0.0")
    assert deploy.uncertain_seconds == 300
    assert 0 <= deploy.at.timestamp() - ago(hours=3) <= 300
    assert (back.change, back.version, back.previous_version) == (ChangeKind.ROLLBACK, "2.0.0", "2.1.0")
    assert (back.at.timestamp(), back.uncertain_seconds) == (ago(minutes=15), 60)
    assert (config.change, config.title, config.at.timestamp()) == (
        ChangeKind.CONFIG, "config map shop/checkout-config was changed", ago(minutes=11),
    )  # fmt: skip


async def test_versions_of_opentelemetry_are_found_behind_a_namespace(source: Budgeted) -> None:
    started, deploy = of(await collected(source), "payment")
    assert (deploy.version, deploy.previous_version, deploy.at.timestamp()) == ("1.1", "1.0", ago(minutes=14))
    assert (started.change, started.title) == (ChangeKind.OTHER, "2 processes started")


async def test_a_new_replica_set_is_told_to_the_second_and_an_old_one_that_is_back_as_a_rollback(
    source: Budgeted,
) -> None:
    found = await collected(source)
    (cart,) = of(found, "cart")
    assert (cart.title, cart.at.timestamp()) == ("ReplicaSet shop/cart-66bd9c7f4x was made", CART_MADE)
    made, back = of(found, "frontend")
    assert (made.change, made.at.timestamp()) == (ChangeKind.DEPLOY, FRONTEND_MADE)
    assert (back.change, back.at.timestamp()) == (ChangeKind.ROLLBACK, BACK)
    instead = "ReplicaSet shop/frontend-service-7c9d8b6f5z is back in the place of shop/frontend-service-6b5c4d7f8x"
    assert back.title == instead


async def test_the_query_of_a_change_can_be_asked_again(source: Budgeted) -> None:
    for one in (await collected(source)).evidence:
        assert one.query is not None
        assert (await source.query(one.query, at=NOW)).samples
