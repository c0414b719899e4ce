"""What to paste at a sender so that it delivers to us: one block for each kind, made without I/O."""

import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.models.tenants import Inbound, IntegrationType, Scheme
from shared.signals.sources.pagerduty import EVENT_TYPES

SECRET_HERE = "REPLACE-WITH-THE-SECRET"  # noqa: S105 -- stands where the secret was, which is shown only once
USER_NAME = "sre-copilot"
GITHUB_EVENT = "deployment_status"


@dataclass(frozen=True)
class Snippet:
    """Something to paste, and where."""

    title: str
    language: str
    """`yaml`, `json` or `shell`."""
    text: str


@dataclass(frozen=True)
class _Sender:
    """What a snippet is made of."""

    url: str
    secret: str
    inbound: Inbound

    @property
    def scheme(self) -> Scheme:
        """The first that is accepted."""
        return self.inbound.schemes[0]


def webhook_url(base_url: str, kind: IntegrationType, integration_id: str) -> str:
    """Where a sender of this kind delivers."""
    return f"{base_url.rstrip('/')}/api/webhooks/{kind.value}/{integration_id}"


def set_up(kind: IntegrationType, url: str, inbound: Inbound, *, secret: str | None = None) -> Sequence[Snippet]:
    """What to paste for a sender; without its secret a placeholder stands in for it."""
    return _SNIPPETS[kind](_Sender(url, secret or SECRET_HERE, inbound))


def _quoted(text: str) -> str:
    # JSON strings are YAML strings too, and nothing in them can end the line or the quotes.
    return json.dumps(text)


def _alertmanager(sender: _Sender) -> Sequence[Snippet]:
    url = f"{sender.url}?code={sender.secret}" if sender.scheme is Scheme.CODE else sender.url
    proof = {
        Scheme.BEARER: ("authorization:", "  type: Bearer", f"  credentials: {_quoted(sender.secret)}"),
        Scheme.BASIC: ("basic_auth:", f"  username: {USER_NAME}", f"  password: {_quoted(sender.secret)}"),
    }.get(sender.scheme, ())
    receiver = (
        "receivers:",
        f"  - name: {USER_NAME}",
        "    webhook_configs:",
        f"      - url: {_quoted(url)}",
        "        send_resolved: true",
        "        http_config:",
        "          follow_redirects: false  # a redirect would turn the POST into a GET and lose the alert",
        *(f"          {line}" for line in proof),
    )
    text = "\n".join((*receiver, ""))
    route = f"""# First among the `routes` of your top route, so that your pager still gets everything:
route:
  routes:
    - receiver: {USER_NAME}
      continue: true
"""
    return (Snippet("Alertmanager: receiver", "yaml", text), Snippet("Alertmanager: route", "yaml", route))


def _grafana(sender: _Sender) -> Sequence[Snippet]:
    settings: dict[str, Any] = {"url": sender.url, "httpMethod": "POST"}
    if sender.scheme is Scheme.GRAFANA_HMAC:
        named = {"header": sender.inbound.signature_header, "timestampHeader": sender.inbound.timestamp_header}
        settings["hmacConfig"] = {"secret": sender.secret, **{key: name for key, name in named.items() if name}}
    elif sender.scheme is Scheme.BEARER:
        settings |= {"authorization_scheme": "Bearer", "authorization_credentials": sender.secret}
    else:
        settings |= {"username": USER_NAME, "password": sender.secret}
    receiver = {"uid": USER_NAME, "type": "webhook", "settings": settings}
    points = [{"orgId": 1, "name": USER_NAME, "receivers": [receiver]}]
    # JSON is YAML: one text for a provisioning file, safe whatever the secret holds.
    text = json.dumps({"apiVersion": 1, "contactPoints": points}, indent=2)
    return (Snippet("Grafana: provisioning file of the contact point", "yaml", f"{text}\n"),)


def _grafana_legacy(sender: _Sender) -> Sequence[Snippet]:
    settings = {"url": sender.url, "httpMethod": "POST", "username": USER_NAME}
    notifier = {
        "name": USER_NAME,
        "type": "webhook",
        "uid": USER_NAME,
        "org_id": 1,
        "settings": settings,
        "secure_settings": {"password": sender.secret},
    }
    text = json.dumps({"notifiers": [notifier]}, indent=2)
    return (Snippet("Grafana: provisioning file of the notification channel", "yaml", f"{text}\n"),)


def _pagerduty(sender: _Sender) -> Sequence[Snippet]:
    subscription = {
        "type": "webhook_subscription",
        "description": "SRE Copilot",
        "delivery_method": {"type": "http_delivery_method", "url": sender.url},
        "events": sorted(EVENT_TYPES),
        "filter": {"type": "account_reference"},
    }
    body = json.dumps({"webhook_subscription": subscription}, indent=2)
    command = (
        "curl -sS -X POST https://api.pagerduty.com/webhook_subscriptions \\\n"
        '  -H "Authorization: Token token=$PAGERDUTY_API_KEY" \\\n'
        "  -H 'Content-Type: application/json' \\\n"
        f"  -d {shlex.quote(body)}\n"
        "# Its answer shows delivery_method.secret, once: add it here with POST …/secrets.\n"
    )
    return (Snippet("PagerDuty: webhook subscription", "shell", command),)


def _github(sender: _Sender) -> Sequence[Snippet]:
    config = {"url": sender.url, "content_type": "json", "secret": sender.secret, "insecure_ssl": "0"}
    hook = {"name": "web", "active": True, "events": [GITHUB_EVENT], "config": config}
    text = json.dumps(hook, indent=2)
    return (Snippet("GitHub: webhook, as `gh api repos/OWNER/REPO/hooks --input -` takes it", "json", f"{text}\n"),)


def _generic(sender: _Sender) -> Sequence[Snippet]:
    alert = {"name": "TestAlert", "service": "example", "severity": "info", "summary": "A first test", "id": "test-1"}
    return (Snippet("A first alert", "shell", _curl(sender, {"alerts": [alert]})),)


def _changes(sender: _Sender) -> Sequence[Snippet]:
    change = {"service": "example", "version": "1.0.0", "title": "A first test", "id": "test-1"}
    return (Snippet("A first change", "shell", _curl(sender, {"changes": [change]})),)


def _curl(sender: _Sender, body: Mapping[str, Any]) -> str:
    if sender.scheme is Scheme.BASIC:
        proof = f"-u {shlex.quote(f'{USER_NAME}:{sender.secret}')}"
    else:
        proof = f"-H {shlex.quote(f'Authorization: Bearer {sender.secret}')}"
    return (
        f"curl -sS -X POST {shlex.quote(sender.url)} \\\n  {proof} \\\n"
        f"  -H 'Content-Type: application/json' \\\n  -d {shlex.quote(json.dumps(body))}\n"
    )


_SNIPPETS: Mapping[IntegrationType, Callable[[_Sender], Sequence[Snippet]]] = {
    IntegrationType.ALERTMANAGER: _alertmanager,
    IntegrationType.GRAFANA: _grafana,
    IntegrationType.GRAFANA_LEGACY: _grafana_legacy,
    IntegrationType.PAGERDUTY: _pagerduty,
    IntegrationType.GITHUB: _github,
    IntegrationType.GENERIC: _generic,
    IntegrationType.CHANGES: _changes,
}
