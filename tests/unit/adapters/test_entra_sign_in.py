"""msal as we use it, on a provider in a few lines: how the application proves itself, and what a fault becomes."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError

from shared.adapters.entra_sign_in import MAX_WAITING, EntraSignIn, application, managed_identity
from shared.errors import CopilotError, ProviderUnavailable, Unauthenticated

AUTHORITY = "https://login.test/organizations"
CLIENT = "11111111-1111-4111-8111-111111111111"


@dataclass
class Answer:
    """What msal needs of a response."""

    body: dict[str, Any]
    status_code: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return json.dumps(self.body)

    def raise_for_status(self) -> None:
        if self.status_code >= 400:
            raise requests.HTTPError(str(self.status_code))


@dataclass
class Provider:
    """Discovery, and a token endpoint that answers as a test says and keeps what it was sent."""

    answers: Callable[[], Answer]
    forms: list[dict[str, Any]] = field(default_factory=list)

    def get(self, url: str, **_: Any) -> Answer:
        assert url == f"{AUTHORITY}/v2.0/.well-known/openid-configuration"
        return Answer(
            {
                "issuer": "https://login.test/{tenantid}/v2.0",
                "authorization_endpoint": f"{AUTHORITY}/oauth2/v2.0/authorize",
                "token_endpoint": f"{AUTHORITY}/oauth2/v2.0/token",
            }
        )

    def post(self, _url: str, *, data: dict[str, Any], **_: Any) -> Answer:
        self.forms.append(data)
        return self.answers()

    def close(self) -> None:
        """Nothing is open."""


def connected(provider: Provider, credential: Any = "secret") -> EntraSignIn:
    return EntraSignIn(lambda: application(AUTHORITY, CLIENT, credential, provider), api=CLIENT)


def tokens() -> Answer:
    return Answer({"access_token": "access", "token_type": "Bearer", "expires_in": 3600})


async def test_in_azure_the_application_proves_itself_with_a_fresh_assertion_and_no_secret() -> None:
    provider, made = Provider(tokens), iter(["first", "second"])
    sign_in = connected(provider, {"client_assertion": lambda: next(made)})
    for refresh_token in ("one", "two"):
        await sign_in.renew(refresh_token)
    await sign_in.aclose()
    assert [form["client_assertion"] for form in provider.forms] == ["first", "second"]
    assert all("client_secret" not in form for form in provider.forms)
    assert all(form["client_assertion_type"].endswith(":jwt-bearer") for form in provider.forms)


def test_the_assertion_comes_from_the_managed_identity() -> None:
    assert callable(dict(managed_identity("22222222-2222-4222-8222-222222222222"))["client_assertion"])  # type: ignore[arg-type]  # a mapping here


async def test_a_provider_that_keeps_the_refresh_token_leaves_us_the_old_one() -> None:
    sign_in = connected(Provider(tokens))
    assert (await sign_in.renew("kept")).refresh_token == "kept"
    await sign_in.aclose()


def unreachable() -> Answer:
    raise requests.ConnectionError("down")


def no_identity() -> str:
    raise ClientAuthenticationError("no managed identity here")


@pytest.mark.parametrize(
    ("answers", "credential", "error", "reason"),
    [
        (lambda: Answer({"error": "invalid_grant"}, 400), "s", Unauthenticated, "provider_refused"),
        (lambda: Answer({"error": "interaction_required"}, 400), "s", Unauthenticated, "provider_refused"),
        (lambda: Answer({"error": "invalid_client"}, 401), "s", ProviderUnavailable, "client_refused"),
        (lambda: Answer({"error": "temporarily_unavailable"}, 400), "s", ProviderUnavailable, "provider_unavailable"),
        (lambda: Answer({"error": "busy"}, 503), "s", ProviderUnavailable, "provider_unavailable"),
        (lambda: Answer({}), "s", Unauthenticated, "provider_refused"),
        (unreachable, "s", ProviderUnavailable, "provider_unavailable"),
        (tokens, {"client_assertion": no_identity}, ProviderUnavailable, "provider_unavailable"),
    ],
    ids=["spent", "interaction", "our-credential", "passing", "503", "empty", "unreachable", "no-identity"],
)
async def test_only_what_the_provider_says_of_the_person_ends_a_session(
    answers: Callable[[], Answer], credential: Any, error: type[CopilotError], reason: str
) -> None:
    sign_in = connected(Provider(answers), credential)
    with pytest.raises(error) as raised:
        await sign_in.renew("token")
    await sign_in.aclose()
    assert raised.value.reason == reason


async def test_made_up_codes_wait_in_a_line_that_ends() -> None:
    provider = Provider(lambda: Answer({"error": "invalid_grant"}, 400))
    sign_in = connected(provider)
    wanted = [sign_in.renew(f"junk-{number}") for number in range(MAX_WAITING + 5)]
    refused = await asyncio.gather(*wanted, return_exceptions=True)
    await sign_in.aclose()
    reasons = [one.reason for one in refused if isinstance(one, CopilotError)]
    assert reasons == ["provider_refused"] * MAX_WAITING + ["provider_busy"] * 5


async def test_without_an_identity_token_nobody_would_have_compared_the_nonce() -> None:
    sign_in = connected(Provider(lambda: Answer({**tokens().body, "refresh_token": "r"})))
    begun = await sign_in.begin(redirect_uri="https://copilot.test/callback", login_hint=None)
    state = json.loads(begun.flow)["state"]
    with pytest.raises(Unauthenticated) as refused:
        await sign_in.complete(begun.flow, {"code": "code", "state": state})
    await sign_in.aclose()
    assert refused.value.reason == "no_id_token"
