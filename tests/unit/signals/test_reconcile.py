"""Which fires and resolutions never arrived, from what a source says is firing and what we hold."""

import json
from datetime import datetime, timedelta
from typing import Any

from shared.models.base import IntegrationId
from shared.models.signals import Alert, AlertStatus, Signal, Source
from shared.ports.alert_sources import FiringAlert, FiringNow
from shared.signals.reconcile import (
    ALERTS_PER_BODY,
    BYTES_PER_BODY,
    MAX_FIRES,
    Repairs,
    bodies,
    repairs,
    schedule_reconcile,
)
from shared.signals.sources import parse
from tests.builders import ACME, NOON, ONE_SECOND, a_signal, an_alert

GRACE = timedelta(minutes=6)
ASKED = NOON + timedelta(hours=1)
LABELS = {"alertname": "HighErrorRatio", "service": "payment"}


def fires_there(fingerprint: str = "f", starts_at: datetime = NOON, **changes: Any) -> FiringAlert:
    fields: dict[str, Any] = {"labels": LABELS, "receivers": frozenset({"us", "slack"})}
    return FiringAlert(fingerprint=fingerprint, starts_at=starts_at, **{**fields, **changes})


def held_here(fingerprint: str = "f", starts_at: datetime = NOON, **changes: Any) -> Signal:
    return a_signal(an_alert(fingerprint=fingerprint, starts_at=starts_at), **changes)


def found(
    there: list[FiringAlert],
    here: list[Signal],
    missing: dict[str, datetime] | None = None,
    *,
    receiver: str | None = "us",
    grace: timedelta = GRACE,
) -> Repairs:
    return repairs(FiringNow(there, ASKED), here, missing or {}, receiver=receiver, grace=grace)


def long_missing(signal: Signal) -> dict[str, datetime]:
    return {signal.id: ASKED - GRACE}


def test_what_fires_there_and_is_held_here_needs_nothing() -> None:
    assert found([fires_there()], [held_here()]) == Repairs()


def test_a_start_that_differs_below_the_millisecond_is_the_same_firing() -> None:
    exact = NOON + timedelta(microseconds=123_456)
    cut = NOON + timedelta(milliseconds=123)
    assert found([fires_there(starts_at=cut)], [held_here(starts_at=exact)]) == Repairs()
    alert = an_alert(starts_at=exact)
    assert alert.episode == alert.model_copy(update={"starts_at": cut}).episode


def test_an_alert_that_fires_there_and_is_not_held_is_missing() -> None:
    alert = fires_there()
    assert found([alert], [held_here("other")]).fires == (alert,)


def test_a_young_alert_is_left_to_its_webhook() -> None:
    young = fires_there(starts_at=ASKED - GRACE + ONE_SECOND)
    assert found([young], []).fires == ()
    assert len(found([fires_there(starts_at=ASKED - GRACE)], []).fires) == 1


def test_an_alert_that_is_routed_to_others_is_not_ours() -> None:
    assert found([fires_there()], [], receiver="pagers").fires == ()


def test_without_our_receivers_name_no_fire_is_repaired() -> None:
    assert found([fires_there()], [], receiver=None).fires == ()


def test_a_star_takes_the_alerts_of_every_receiver() -> None:
    assert len(found([fires_there(receivers=frozenset())], [], receiver="*").fires) == 1


def test_a_silenced_alert_is_not_missing_and_not_over() -> None:
    signal = held_here()
    silenced = fires_there(notifies=False)
    assert found([silenced], []).fires == ()
    assert found([silenced], [signal], long_missing(signal)).resolves == ()


def test_more_missing_fires_than_one_pass_takes_are_taken_oldest_first() -> None:
    many = [fires_there(f"f-{n}", NOON + timedelta(milliseconds=n)) for n in reversed(range(MAX_FIRES + 5))]
    taken = found(many, []).fires
    assert (len(taken), taken[0].fingerprint) == (MAX_FIRES, "f-0")


def test_an_alert_that_is_missing_once_is_remembered_and_not_resolved() -> None:
    signal = held_here()
    first = found([], [signal])
    assert first.resolves == ()
    assert first.missing == {signal.id: ASKED}


def test_an_alert_that_stays_missing_for_the_grace_period_is_over() -> None:
    signal = held_here()
    soon = {signal.id: ASKED - GRACE + ONE_SECOND}
    assert found([], [signal], soon).resolves == ()
    assert found([], [signal], soon).missing == soon, "it is missing since then, not since now"
    assert found([], [signal], long_missing(signal)).resolves == (signal,)


def test_even_without_a_grace_period_one_empty_answer_resolves_nothing() -> None:
    signal = held_here()
    assert found([], [signal], grace=timedelta(0)).resolves == ()
    assert found([], [signal], {signal.id: ASKED}, grace=timedelta(0)).resolves == (signal,)


def test_an_alert_that_is_listed_again_is_not_missing_any_more() -> None:
    signal = held_here()
    assert found([fires_there()], [signal], long_missing(signal)) == Repairs()


def test_an_alert_that_was_received_lately_is_not_over() -> None:
    signal = held_here(last_received_at=ASKED - ONE_SECOND)
    assert found([], [signal], long_missing(signal)).resolves == ()


def test_a_later_start_means_that_the_earlier_firing_is_over_and_another_began() -> None:
    signal, again = held_here(), fires_there(starts_at=NOON + timedelta(minutes=20))
    repaired = found([again], [signal], long_missing(signal))
    assert (repaired.fires, repaired.resolves) == ((again,), (signal,))


def test_an_earlier_start_is_the_same_firing_seen_by_another_prometheus() -> None:
    signal = held_here(starts_at=NOON + timedelta(seconds=5))
    assert found([fires_there()], [signal], long_missing(signal)) == Repairs()


def test_an_alert_without_a_start_of_its_own_is_the_same_whenever_it_fires() -> None:
    signal = a_signal(an_alert(fingerprint="f", start_known=False))
    assert found([fires_there(starts_at=NOON + timedelta(minutes=30))], [signal], long_missing(signal)) == Repairs()


def parsed(repaired: Repairs, source: Source = Source.ALERTMANAGER) -> list[Alert]:
    read = [parse(source, body, received_at=ASKED) for body in bodies(repaired, receiver="us")]
    assert not any(one.rejected for one in read)
    return [alert for one in read for alert in one.alerts]


def test_a_missing_fire_is_sent_as_its_webhook_would_have() -> None:
    there = fires_there(annotations={"summary": 'it "burns"'}, generator_url="http://p/graph?g0.expr=up")
    (alert,) = parsed(Repairs(fires=(there,)))
    assert (alert.fingerprint, alert.starts_at, alert.status) == ("f", NOON, AlertStatus.FIRING)
    assert (alert.service_name, alert.summary, alert.expression) == ("payment", 'it "burns"', "up")


def test_a_missing_resolution_ends_the_very_episode_we_hold() -> None:
    signal = held_here(starts_at=NOON + timedelta(microseconds=123_456))
    (alert,) = parsed(Repairs(resolves=(signal,), missing={signal.id: ASKED}))
    assert alert.status is AlertStatus.RESOLVED
    assert alert.episode == signal.normalized_data.episode
    assert alert.ends_at == ASKED


def test_private_names_of_grafana_are_left_out() -> None:
    there = fires_there(labels={**LABELS, "__alert_rule_uid__": "u", "__x": "kept"})
    (alert,) = parsed(Repairs(fires=(there,)))
    assert alert.labels == {**LABELS, "__x": "kept"}


def test_many_repairs_travel_in_bodies_of_bounded_size() -> None:
    small = Repairs(fires=tuple(fires_there(f"f-{n}") for n in range(ALERTS_PER_BODY + 1)))
    assert [len(json.loads(body)["alerts"]) for body in bodies(small, receiver="us")] == [ALERTS_PER_BODY, 1]
    huge = {f"l{n}": "x" * 4096 for n in range(100)}
    large = Repairs(fires=tuple(fires_there(f"f-{n}", annotations=huge) for n in range(3)))
    made = list(bodies(large, receiver="us"))
    assert len(made) == 3
    assert all(len(body) < BYTES_PER_BODY + 4096 for body in made)


def test_nothing_to_repair_makes_no_body() -> None:
    assert list(bodies(Repairs(), receiver="us")) == []


def test_an_integration_has_one_work_of_reconciliation_and_it_is_due_at_once() -> None:
    first = schedule_reconcile(ACME, IntegrationId("int-1"), now=NOON)
    assert first.due_at == NOON
    assert first.id == schedule_reconcile(ACME, IntegrationId("int-1"), now=ASKED).id
    assert first.id != schedule_reconcile(ACME, IntegrationId("int-2"), now=NOON).id
