"""What else fires, how far it belongs to the trouble, and what is hidden by silences."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from shared.adapters.memory.services import services_in_memory
from shared.adapters.memory.sources import MemorySilencing, ScriptedSilencing
from shared.context.collectors.related import MAX_RELATED, MAX_SILENCES, collect_related
from shared.context.look import Collected
from shared.context.neighbourhood import Neighbour, Neighbourhood
from shared.context.related import Elsewhere, Ours, factors_of, score_of, service_named
from shared.errors import KeysUnavailable, SourceUnavailable
from shared.models.base import IncidentId, TenantId
from shared.models.correlation import ServiceNode
from shared.models.evidence import RelatedEvidence, SilenceEvidence
from shared.models.incidents import IncidentState, IncidentSummary
from shared.models.measures import Relation
from shared.models.signals import AlertStatus
from shared.ports.alert_sources import FiringAlert, FiringNow
from shared.ports.services import Services
from shared.ports.silencing import Matcher, Silence, SilenceState, SilencingSource
from tests.builders import ACME, GLOBEX, NOON, a_signal, an_alert, an_incident
from tests.unit.context.views import a_view

AROUND = {"bank": Neighbour(Relation.CALLEE, 1), "vault": Neighbour(Relation.CALLEE, 2)}
OURS = Ours("payment", NOON, AROUND, frozenset({("cluster", "eu"), ("namespace", "shop")}))


def score(service: str, minutes: float = 0, **labels: str) -> float:
    other = Elsewhere(service, NOON + timedelta(minutes=minutes), frozenset(labels.items()))
    return score_of(factors_of(OURS, other))


def test_nearer_in_calls_time_and_place_is_more_related() -> None:
    assert score("bank") > score("vault") > score("stranger")
    assert score("bank") > score("bank", 20) > score("bank", 50)
    assert score("bank", cluster="eu") > score("bank") > 0
    assert score("bank", cluster="eu") > score("bank", cluster="us")


def test_the_same_moment_alone_relates_nothing() -> None:
    assert score("stranger") == 0.0


@pytest.mark.parametrize(
    ("labels", "service"),
    [
        ({"service": "bank", "job": "vault"}, "bank"),
        ({"job": "vault"}, "vault"),
        ({"service": "mail"}, None),
        ({"instance": "bank"}, None),
    ],
)
def test_an_alerts_service_is_told_by_the_label_that_says_it_most_plainly(
    labels: dict[str, str], service: str | None
) -> None:
    assert service_named(labels, frozenset({"bank", "vault"})) == service


async def beside(services: Services, name: str, service: str, at: datetime = NOON, **changes: object) -> None:
    node = ServiceNode(
        service_name=service, first_started_at=at, last_started_at=at, severity="warning", names=("Slow",)
    )
    fields = {
        "incident_id": IncidentId(name), "service_name": service, "services": (node,), "detected_at": at, **changes
    }  # fmt: skip
    incident = an_incident(**fields)
    await services.incident_list.put(incident.tenant_id, IncidentSummary.of(incident))


async def collected(services: Services) -> Collected:
    return await collect_related(a_view(None, services=services, neighbours=AROUND))


def related(found: Collected) -> list[tuple[str, str, str | None]]:
    return [(one.service, one.name, one.incident_id) for one in found.evidence if isinstance(one, RelatedEvidence)]


async def test_our_other_incidents_around_are_related_and_those_far_off_are_not() -> None:
    services = services_in_memory()
    await beside(services, "inc-bank", "bank")
    await beside(services, "inc-mail", "mail")
    await beside(services, "inc-old", "vault", NOON - timedelta(days=1))
    await beside(services, "inc-theirs", "bank", tenant_id=GLOBEX)
    await beside(services, "inc-over", "payment", state=IncidentState.RESOLVED, resolved_at=NOON)
    found = await collected(services)
    assert related(found) == [("payment", "Slow", "inc-over"), ("bank", "Slow", "inc-bank")]
    over = next(one for one in found.evidence if isinstance(one, RelatedEvidence))
    assert over.status is AlertStatus.RESOLVED


def firing(name: str, service: str, *, silenced_by: Sequence[str] = ()) -> FiringAlert:
    labels = {"alertname": name, "service": service}
    return FiringAlert(fingerprint=name, starts_at=NOON, labels=labels, silenced_by=tuple(silenced_by))


def a_silence(silence_id: str, **equals: str) -> Silence:
    matchers = tuple(Matcher(name, value) for name, value in equals.items())
    return Silence(
        silence_id, SilenceState.ACTIVE, matchers, NOON, NOON + timedelta(hours=2), "erin", "token=abcdefghijk"
    )


def with_alertmanager(source: ScriptedSilencing) -> Services:
    return replace(services_in_memory(), silencing=MemorySilencing({ACME: [source]}))


async def test_an_alertmanager_tells_what_is_silenced_and_by_which_silence() -> None:
    alerts = [
        firing("DiskFull", "bank", silenced_by=["s-1"]),
        firing("Slow", "mail"),
        firing("ManyErrors", "vault"),
    ]
    source = ScriptedSilencing(
        alerts=FiringNow(alerts=alerts, asked_at=NOON),
        silenced=[
            a_silence("s-1", alertname="DiskFull"),
            a_silence("s-2", service="vault"),
            a_silence("s-3", job="x"),
        ],
    )
    found = await collected(with_alertmanager(source))
    assert related(found) == [("bank", "DiskFull", None), ("vault", "ManyErrors", None)]
    silences = {one.silence_id: one for one in found.evidence if isinstance(one, SilenceEvidence)}
    assert {name: (one.service, one.hides) for name, one in silences.items()} == {
        "s-1": ("bank", ("DiskFull",)), "s-2": ("vault", ()),
    }  # fmt: skip
    assert "abcdefghijk" not in silences["s-1"].comment


async def test_the_incidents_own_alert_is_not_related_to_itself() -> None:
    own = a_signal(an_alert(name="ManyErrors", service_name="payment"))
    source = ScriptedSilencing(alerts=FiringNow(alerts=[firing("ManyErrors", "payment")], asked_at=NOON))
    view = a_view(None, services=with_alertmanager(source), neighbours=AROUND, signals=[own])
    assert related(await collect_related(view)) == []


async def test_an_alertmanager_that_is_down_leaves_what_we_know_and_is_named() -> None:
    down = ScriptedSilencing(failing=SourceUnavailable("down", reason="connect"))
    services = with_alertmanager(down)
    await beside(services, "inc-bank", "bank")
    found = await collected(services)
    assert related(found) == [("bank", "Slow", "inc-bank")]
    assert (found.failure, found.warnings) == ("connect", ("int-alertmanager could not be asked: connect",))


async def test_nothing_else_fires() -> None:
    assert (await collected(services_in_memory())).why_empty == "nothing_related"


class Locked:
    """The credentials of a tenant's Alertmanagers, which cannot be opened now."""

    async def of_tenant(self, tenant_id: TenantId) -> Sequence[SilencingSource]:
        raise KeysUnavailable(f"the keys of {tenant_id} cannot be reached")


async def test_alertmanagers_that_cannot_be_opened_cost_nothing_of_what_we_know() -> None:
    services = replace(services_in_memory(), silencing=Locked())
    await beside(services, "inc-bank", "bank")
    found = await collected(services)
    assert related(found) == [("bank", "Slow", "inc-bank")]
    assert (found.failure, found.warnings) == (
        "keys_unavailable", ("no Alertmanager could be asked: keys_unavailable",)
    )  # fmt: skip


async def test_what_is_left_out_is_counted() -> None:
    alerts = [firing(f"Alert{n}", "bank") for n in range(MAX_RELATED + 3)]
    silenced = [a_silence(f"s-{n}", service="bank") for n in range(MAX_SILENCES + 1)]
    source = ScriptedSilencing(alerts=FiringNow(alerts=alerts, asked_at=NOON), silenced=silenced)
    found = await collected(with_alertmanager(source))
    assert found.warnings == ("3 more related alerts are left out", "1 more silences are left out")
    assert len(found.evidence) == MAX_RELATED + MAX_SILENCES


async def test_nothing_related_says_so_when_nobody_knows_who_calls_whom() -> None:
    view = a_view(None)
    view.finding = asyncio.ensure_future(unknown())
    found = await collect_related(view)
    assert (found.why_empty, found.warnings) == (
        "nothing_related", ("the topology failed: only this service was asked",)
    )  # fmt: skip


async def unknown() -> Neighbourhood:
    raise SourceUnavailable("down", reason="connect")
