"""Replaying stored signals under other thresholds."""

from datetime import timedelta

import pytest

from dev.backtest import as_text, backtest, spells
from dev.sentences import CannotRun
from shared.adapters.memory import services_in_memory
from shared.models.base import IncidentId
from shared.models.incidents import IncidentSummary
from shared.models.signals import Signal
from shared.models.topology import Call, KnownTopology
from shared.ports.services import Services
from shared.ports.stores import IncidentChange
from tests.builders import ACME, NOON, a_signal, a_tenant, an_alert, an_incident


def signal_of(service: str, after: float, incident: str) -> Signal:
    alert = an_alert(
        service_name=service, fingerprint=f"{service}-{after}", starts_at=NOON + timedelta(seconds=after)
    )
    return a_signal(
        alert, incident_id=IncidentId(incident), created_at=alert.starts_at, receipt_id=f"rcp-{service}-{after}"
    )


async def a_shop(*signals: Signal) -> Services:
    services = services_in_memory()
    await services.directory.put(ACME, a_tenant())
    calls = (Call(caller="checkout", callee="payment", seen_at=NOON),)
    topology = KnownTopology(id=KnownTopology.id_for(), tenant_id=ACME, calls=calls, updated_at=NOON)
    await services.surroundings.keep(ACME, topology, None)
    for incident_id in sorted({one.incident_id for one in signals}):
        own = [one for one in signals if one.incident_id == incident_id]
        incident = an_incident(incident_id=incident_id, detected_at=own[0].timestamp, signal_count=len(own))
        await services.incidents.commit(ACME, IncidentChange(incident=incident, etag=None, created_signals=own))
        await services.incident_list.put(ACME, IncidentSummary.of(incident))
    return services


PAIR = signal_of("payment", 0, "inc-a"), signal_of("payment", 30, "inc-a"), signal_of("checkout", 120, "inc-a")


async def test_the_thresholds_in_force_leave_everything_where_it_is() -> None:
    found = await backtest(ACME, await a_shop(*PAIR), link_at=None, window_seconds=None)
    assert (found.signals, found.incidents, found.replayed, found.would_be) == (3, 1, 1, 1)
    assert found.shifts == []
    assert found.compression(found.would_be) == 3.0


async def test_a_higher_threshold_tells_who_would_leave() -> None:
    found = await backtest(ACME, await a_shop(*PAIR), link_at=0.95, window_seconds=None)
    (shift,) = found.shifts
    assert (found.replayed, found.would_be) == (1, 2)
    assert (shift.service_name, shift.now_in, shift.would_be_in, shift.would_be_with) == (
        "checkout",
        "inc-a",
        None,
        (),
    )
    assert "checkout (1 signals): inc-a -> an incident of its own, with nothing else" in as_text(found, "acme")


async def test_a_wider_window_tells_who_would_join() -> None:
    services = await a_shop(signal_of("payment", 0, "inc-a"), signal_of("checkout", 700, "inc-b"))
    as_it_is = await backtest(ACME, services, link_at=None, window_seconds=None)
    found = await backtest(ACME, services, link_at=None, window_seconds=7200)
    assert (as_it_is.would_be, found.would_be) == (2, 1)
    assert [(one.service_name, one.would_be_in) for one in found.shifts] == [("checkout", "inc-a")]


async def test_only_the_newest_incidents_are_replayed_when_there_are_more() -> None:
    signals = [signal_of(f"s{number}", number * 5000, f"inc-{number}") for number in range(5)]
    found = await backtest(ACME, await a_shop(*signals), link_at=None, window_seconds=None, max_incidents=2)
    assert found.incidents == 2


async def test_an_unknown_tenant_is_said_to_be_unknown() -> None:
    with pytest.raises(CannotRun, match="there is no tenant"):
        await backtest(ACME, services_in_memory(), link_at=None, window_seconds=None)


def test_a_long_quiet_parts_spells() -> None:
    first, second = signal_of("payment", 0, "inc-a"), signal_of("payment", 5000, "inc-b")
    assert list(spells([first, second], quiet=timedelta(minutes=15))) == [[first], [second]]
    assert list(spells([first, second], quiet=timedelta(hours=2))) == [[first, second]]
