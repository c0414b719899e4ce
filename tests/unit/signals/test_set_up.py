"""What is pasted at a sender is well-formed, whole, and means what it should, whatever the secret holds."""

import json
import shlex
from datetime import UTC, datetime

import pytest

from shared.models.signals import Source
from shared.models.tenants import Inbound, IntegrationType, Scheme
from shared.signals.inbound import SCHEMES
from shared.signals.set_up import SECRET_HERE, set_up, webhook_url
from shared.signals.sources import parse

BASE = "https://copilot.example/"
NASTY = "it's\"$(reboot)`x`\\: #{}|'--"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def pasted(kind: IntegrationType, scheme: Scheme | None = None, *, secret: str | None = NASTY, **headers: str) -> str:
    url = webhook_url(BASE, kind, "int-1")
    inbound = Inbound(schemes=(scheme or SCHEMES[kind][0],), **headers)
    return set_up(kind, url, inbound, secret=secret)[0].text


def test_an_address_has_the_source_and_the_integration() -> None:
    assert webhook_url(BASE, IntegrationType.GENERIC, "int-1") == "https://copilot.example/api/webhooks/generic/int-1"


@pytest.mark.parametrize(("kind", "scheme"), [(kind, scheme) for kind in SCHEMES for scheme in SCHEMES[kind]])
def test_every_sender_has_something_to_paste_with_its_address(kind: IntegrationType, scheme: Scheme) -> None:
    text = pasted(kind, scheme, secret="a-plain-secret")
    assert webhook_url(BASE, kind, "int-1") in text
    assert ("a-plain-secret" in text) is (kind is not IntegrationType.PAGERDUTY)


def test_without_the_secret_a_placeholder_shows_where_it_goes() -> None:
    assert SECRET_HERE in pasted(IntegrationType.ALERTMANAGER, secret=None)


@pytest.mark.parametrize(
    ("scheme", "settings"),
    [
        (Scheme.GRAFANA_HMAC, {"hmacConfig": {"secret": NASTY, "timestampHeader": "X-Time"}}),
        (Scheme.BEARER, {"authorization_scheme": "Bearer", "authorization_credentials": NASTY}),
        (Scheme.BASIC, {"username": "sre-copilot", "password": NASTY}),
    ],
)
def test_grafanas_contact_point_is_a_provisioning_file(scheme: Scheme, settings: dict[str, object]) -> None:
    headers = {"timestamp_header": "X-Time"} if scheme is Scheme.GRAFANA_HMAC else {}
    (point,) = json.loads(pasted(IntegrationType.GRAFANA, scheme, **headers))["contactPoints"]
    (receiver,) = point["receivers"]
    url = webhook_url(BASE, IntegrationType.GRAFANA, "int-1")
    assert receiver["type"] == "webhook"
    assert receiver["settings"] == {"url": url, "httpMethod": "POST", **settings}


def test_githubs_webhook_is_one_that_its_api_takes() -> None:
    hook = json.loads(pasted(IntegrationType.GITHUB))
    assert (hook["events"], hook["config"]["secret"], hook["config"]["content_type"]) == (
        ["deployment_status"],
        NASTY,
        "json",
    )


def curl(text: str) -> list[str]:
    """The words of the command, as a shell would see them."""
    return shlex.split(text.replace("\\\n", " "), comments=True)


def test_pagerdutys_subscription_is_one_curl_with_a_json_body() -> None:
    words = curl(pasted(IntegrationType.PAGERDUTY))
    subscription = json.loads(words[words.index("-d") + 1])["webhook_subscription"]
    assert subscription["delivery_method"]["url"] == webhook_url(BASE, IntegrationType.PAGERDUTY, "int-1")
    assert {"incident.triggered", "incident.resolved"} <= set(subscription["events"])


@pytest.mark.parametrize("kind", [IntegrationType.GENERIC, IntegrationType.CHANGES])
@pytest.mark.parametrize("scheme", [Scheme.BEARER, Scheme.BASIC])
def test_the_curl_of_our_own_formats_sends_what_we_understand(kind: IntegrationType, scheme: Scheme) -> None:
    words = curl(pasted(kind, scheme))
    proof = f"Authorization: Bearer {NASTY}" if scheme is Scheme.BEARER else f"sre-copilot:{NASTY}"
    assert proof in words
    read = parse(Source(kind.value), words[words.index("-d") + 1].encode(), received_at=NOW)
    assert (len(read.alerts) + len(read.changes), read.rejected) == (1, ())
