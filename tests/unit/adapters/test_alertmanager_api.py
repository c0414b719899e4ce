"""Alertmanager's alerts API against answers good, bad and not from Alertmanager at all."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.adapters.alert_sources import IntegrationAlertSources
from shared.adapters.alertmanager_api import MAX_ALERTS, AlertmanagerApi, ApiConfig
from shared.adapters.prometheus import Connection
from shared.errors import SecretUnreadable, SourceUnavailable
from shared.models.base import IntegrationId, TenantId
from shared.models.tenants import Integration, IntegrationType
from shared.ports.alert_sources import DEFAULT_GRACE, AlertSource, FiringAlert, FiringNow
from tests.builders import ACME, NOON, an_integration

# As Alertmanager 0.25 answered: milliseconds, an offset as the poster gave it, receivers that are not escaped.
LISTED = {
    "annotations": {"summary": "s"},
    "endsAt": "2026-11-24T02:10:02.203Z",
    "fingerprint": "64770a0fea9248c8",
    "receivers": [{"name": "us"}, {"name": "oth[er"}],
    "startsAt": "2026-11-01T10:00:00.123+02:00",
    "status": {"inhibitedBy": [], "silencedBy": [], "state": "active"},
    "updatedAt": "2026-11-24T02:05:02.203Z",
    "generatorURL": "http://g/",
    "labels": {"alertname": "A", "service": "pay"},
}


@dataclass
class Canned:
    """One answer, as the guarded client gives it."""

    status: int
    body: bytes


@dataclass
class FakeHttp:
    """Gives one answer to everything and keeps what it was asked."""

    answer: Canned
    asked: list[tuple[str, str, Mapping[str, str] | None]] = field(default_factory=list)

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        timeout_seconds: float | None = None,
    ) -> Canned:
        self.asked.append((method, url, headers))
        return self.answer


class PlainBox:
    """Opens what was never sealed, for the right tenant."""

    async def seal(self, tenant_id: TenantId, integration_id: IntegrationId, plaintext: str) -> str:
        return f"{tenant_id}|{plaintext}"

    async def open(self, tenant_id: TenantId, integration_id: IntegrationId, sealed: str) -> str:
        owner, _, plain = sealed.partition("|")
        if owner != tenant_id:
            raise SecretUnreadable("sealed for another tenant")
        return plain


def answering(body: object, status: int = 200) -> FakeHttp:
    return FakeHttp(Canned(status, body if isinstance(body, bytes) else json.dumps(body).encode()))


async def asked(http: FakeHttp, url: str = "https://am.example/base/?x=1#y") -> FiringNow:
    return await AlertmanagerApi(http, ApiConfig(Connection(url, bearer_token="t"))).firing(now=NOON)


async def source_of(config: object, **changes: Any) -> AlertSource | None:
    integration = an_integration(config=f"{ACME}|{json.dumps(config)}", **changes)
    return await IntegrationAlertSources(PlainBox(), answering([])).of_integration(ACME, integration)


async def test_what_is_listed_is_read() -> None:
    firing = await asked(answering([LISTED]))
    assert firing.asked_at == NOON
    assert list(firing.alerts) == [
        FiringAlert(
            fingerprint="64770a0fea9248c8",
            starts_at=datetime(2026, 11, 1, 8, 0, 0, 123_000, tzinfo=UTC),
            labels={"alertname": "A", "service": "pay"},
            annotations={"summary": "s"},
            generator_url="http://g/",
            receivers=frozenset({"us", "oth[er"}),
        )
    ]


async def test_silenced_and_inhibited_alerts_are_asked_for_too_below_the_base_path() -> None:
    http = answering([])
    await asked(http)
    url = "https://am.example/base/api/v2/alerts?active=true&silenced=true&inhibited=true&unprocessed=true"
    assert http.asked == [("GET", url, {"authorization": "Bearer t"})]


@pytest.mark.parametrize(
    "status",
    [
        {"state": "suppressed", "silencedBy": ["s"]},
        {"state": "unprocessed"},
        {"state": "active", "mutedBy": ["night"]},
        {},
    ],
)
async def test_an_alert_that_its_source_keeps_quiet_about_does_not_notify(status: dict[str, Any]) -> None:
    firing = await asked(answering([{**LISTED, "status": status}]))
    assert [one.notifies for one in firing.alerts] == [False]


async def test_nothing_firing_is_an_answer() -> None:
    assert (await asked(answering([]))).alerts == ()


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (401, "unauthorised"),
        (403, "unauthorised"),
        (404, "not_found"),
        (429, "throttled"),
        (400, "refused"),
        (204, "refused"),
    ],
)
async def test_a_refusal_is_no_answer(status: int, reason: str) -> None:
    with pytest.raises(SourceUnavailable) as refused:
        await asked(answering([], status))
    assert refused.value.reason == reason


WITHOUT_START = {name: value for name, value in LISTED.items() if name != "startsAt"}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not_json"),
        (b"<html>sign in</html>", "not_json"),
        (b"\xff\xfe", "not_json"),
        (b"[" * 100_000, "not_json"),
        ({"status": "success", "data": []}, "unexpected_shape"),
        (None, "unexpected_shape"),
        ([7], "unexpected_shape"),
        ([LISTED, None], "unexpected_shape"),
        ([LISTED, WITHOUT_START], "unexpected_shape"),
        ([{**LISTED, "startsAt": "0001-01-01T00:00:00Z"}], "unexpected_shape"),
        ([{**LISTED, "fingerprint": ""}], "unexpected_shape"),
        ([{**LISTED, "fingerprint": "f" * 129}], "unexpected_shape"),
        ([{**LISTED, "labels": []}], "unexpected_shape"),
        ([{**LISTED, "status": "active"}], "unexpected_shape"),
        ([{}] * (MAX_ALERTS + 1), "too_many_alerts"),
    ],
    ids=range(15),
)
async def test_an_answer_that_is_not_understood_to_its_end_is_no_answer(body: object, reason: str) -> None:
    http = FakeHttp(Canned(200, b"null")) if body is None else answering(body)
    with pytest.raises(SourceUnavailable) as refused:
        await asked(http)
    assert refused.value.reason == reason


async def test_hostile_labels_are_bounded() -> None:
    labels = {f"l{n}": "x" * 100_000 for n in range(1000)}
    (alert,) = (await asked(answering([{**LISTED, "labels": labels, "receivers": [7, {"name": 7}]}]))).alerts
    assert len(alert.labels) <= 128
    assert max(map(len, alert.labels.values())) <= 4096
    assert alert.receivers == frozenset()


async def test_a_config_says_where_to_ask_what_is_ours_and_how_patient_to_be() -> None:
    source = await source_of({"url": "https://am", "receiver": "us", "grace_seconds": 90})
    assert source is not None
    assert (source.receiver, source.grace) == ("us", timedelta(seconds=90))
    plain = await source_of({"url": "https://am"})
    assert plain is not None
    assert (plain.receiver, plain.grace) == (None, DEFAULT_GRACE)


async def test_an_integration_without_an_api_cannot_be_asked() -> None:
    assert await source_of({}) is None
    assert await source_of({"url": "https://pd"}, integration_type=IntegrationType.PAGERDUTY) is None
    without: Integration = an_integration()
    assert await IntegrationAlertSources(PlainBox(), answering([])).of_integration(ACME, without) is None


@pytest.mark.parametrize(
    "config",
    [
        [], "text", {"url": 7}, {"url": "https://[::1"}, {"url": "https://am", "bearer_token": 7},
        {"url": "https://am", "receiver": 7}, {"url": "https://am", "grace_seconds": "soon"},
        {"url": "https://am", "grace_seconds": -1}, {"url": "https://am", "grace_seconds": True},
        {"url": "https://am", "grace_seconds": float("nan")},
    ],
    ids=range(10),
)  # fmt: skip
async def test_a_config_that_makes_no_sense_is_unreadable(config: object) -> None:
    with pytest.raises(SecretUnreadable) as refused:
        await source_of(config)
    assert refused.value.reason == "config_malformed"


def test_a_config_is_never_shown_with_its_token() -> None:
    config = ApiConfig.from_config('{"url": "https://am", "bearer_token": "hush"}')
    assert "hush" not in repr(config)
