"""Sign-in with Entra ID through msal, which blocks and so runs in threads of its own."""

import asyncio
import json
import threading
import time
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any

from shared.errors import ProviderUnavailable, Unauthenticated
from shared.ports.sign_in import Begun, Tokens
from shared.telemetry import logger

if TYPE_CHECKING:
    import msal  # type: ignore[import-untyped]  # msal ships no types

log = logger(__name__)

CALL_SECONDS = 8.0
MAX_THREADS = 8
"""Of our own: whoever keeps the provider's connections busy must not use up the threads of everything else."""
MAX_WAITING = 64
"""Beyond, they are told to come back: whoever makes up codes could otherwise have us ask about them without end."""
NO_DISCOVERY_PAUSE_SECONDS = 1.0
EXCHANGE_AUDIENCE = "api://AzureADTokenExchange/.default"
_PASSING = frozenset({"temporarily_unavailable", "server_error"})
_OURS = frozenset({"invalid_client", "unauthorized_client"})
"""Our registration or credential is not right: nobody's session should end for it."""

Credential = str | Mapping[str, Callable[[], str]]
"""What msal takes: a secret, or a callable that makes client assertions."""


class EntraSignIn:
    """Implements IdentityProvider. `connect` makes msal's application, which asks for discovery, on first use."""

    def __init__(self, connect: Callable[[], "msal.ConfidentialClientApplication"], *, api: str) -> None:
        self._connect = connect
        # By its id: an application may ask for a token for itself under no other name (AADSTS90009).
        self._scopes = [f"{api}/.default"]
        self._connecting = threading.Lock()
        self._connected: msal.ConfidentialClientApplication | None = None
        self._failed_at: float | None = None
        self._waiting = 0
        self._threads = ThreadPoolExecutor(MAX_THREADS, thread_name_prefix="sign-in")

    async def begin(self, *, redirect_uri: str, login_hint: str | None) -> Begun:
        """See IdentityProvider."""

        def run(application: "msal.ConfidentialClientApplication") -> dict[str, Any]:
            # In the query: a form that another site posts would come without the Lax cookie that holds the flow.
            return dict(
                application.initiate_auth_code_flow(
                    self._scopes, redirect_uri=redirect_uri, login_hint=login_hint, response_mode="query"
                )
            )

        flow = await self._call(run)
        return Begun(address=flow.pop("auth_uri"), flow=json.dumps(flow))

    async def complete(self, flow: str, answer: Mapping[str, str]) -> Tokens:
        """See IdentityProvider."""
        begun = json.loads(flow)
        found = await self._call(lambda entra: entra.acquire_token_by_auth_code_flow(begun, dict(answer)))
        tokens = _tokens(found)
        # msal compares the nonce where there is an identity token; without one nobody would have.
        if tokens.object_id is None:
            raise Unauthenticated("the provider issued no identity token", reason="no_id_token")
        return tokens

    async def renew(self, refresh_token: str) -> Tokens:
        """See IdentityProvider."""
        found = await self._call(lambda entra: entra.acquire_token_by_refresh_token(refresh_token, self._scopes))
        return _tokens(found, kept=refresh_token)

    async def _call(self, run: Callable[["msal.ConfidentialClientApplication"], dict[str, Any]]) -> dict[str, Any]:
        if self._waiting >= MAX_WAITING:
            raise ProviderUnavailable("too many wait for the identity provider", reason="provider_busy")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._blocking, run)
        finally:
            self._waiting -= 1

    async def aclose(self) -> None:
        """Let the threads go."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _blocking(self, run: Callable[["msal.ConfidentialClientApplication"], dict[str, Any]]) -> dict[str, Any]:
        from azure.core.exceptions import AzureError
        from msal.exceptions import MsalServiceError  # type: ignore[import-untyped]  # msal ships no types
        from requests import RequestException

        application = self._application()
        try:
            return run(application)
        except (RequestException, MsalServiceError, AzureError) as exc:
            raise ProviderUnavailable("the identity provider did not answer") from exc
        # msal says so of a state or nonce that does not match and of an answer that it cannot read.
        except (ValueError, RuntimeError, KeyError) as exc:
            raise Unauthenticated("the answer does not belong to this sign-in", reason="flow_mismatch") from exc

    def _application(self) -> "msal.ConfidentialClientApplication":
        from msal.exceptions import MsalServiceError
        from requests import RequestException

        with self._connecting:
            if self._connected is None:
                if self._failed_at is not None and time.monotonic() - self._failed_at < NO_DISCOVERY_PAUSE_SECONDS:
                    raise ProviderUnavailable("the provider's discovery document could not be had just now")
                try:
                    self._connected = self._connect()
                except (RequestException, MsalServiceError, ValueError, RuntimeError, KeyError) as exc:
                    self._failed_at = time.monotonic()
                    raise ProviderUnavailable("the provider's discovery document could not be had") from exc
            return self._connected


def _tokens(found: Mapping[str, Any], *, kept: str = "") -> Tokens:
    error = found.get("error")
    if error in _PASSING:
        raise ProviderUnavailable("the identity provider asks to try again")
    if error in _OURS:
        log.error("sign_in_misconfigured", extra={"reason": error})
        raise ProviderUnavailable("the identity provider refuses our own credential", reason="client_refused")
    access_token, refresh_token = found.get("access_token"), found.get("refresh_token") or kept
    if error or not isinstance(access_token, str) or not isinstance(refresh_token, str) or not refresh_token:
        raise Unauthenticated("the provider issued no tokens", reason="provider_refused")
    claims = found.get("id_token_claims") or {}
    object_id = claims.get("oid")
    return Tokens(access_token, refresh_token, object_id if isinstance(object_id, str) else None)


def entra_sign_in(
    *, authority: str, directory: str, client_id: str, api: str, credential: Credential, ca_file: str | None
) -> EntraSignIn:
    """Sign-in at the configured authority, for the application with this id and credential."""

    def connect() -> "msal.ConfidentialClientApplication":
        return application(f"{authority}/{directory}", client_id, credential, _http(ca_file))

    return EntraSignIn(connect, api=api)


def application(
    authority: str, client_id: str, credential: Credential, http: object
) -> "msal.ConfidentialClientApplication":
    """msal's application, which asks the authority for its discovery document."""
    import msal

    # In the query a code is in an address; it works once, with our verifier and credential, and the answer to it is a
    # redirect that sends no referrer (docs/sign-in.md).
    warnings.filterwarnings("ignore", message="response_mode='form_post' is recommended", category=UserWarning)

    class NothingKept(msal.TokenCache):  # type: ignore[misc]  # as above
        """Tokens belong to their sessions, sealed; msal would keep everybody's in memory."""

        def add(self, event: Any, now: Any = None) -> None:
            """Keeps nothing."""

    return msal.ConfidentialClientApplication(
        client_id,
        client_credential=credential,
        authority=authority,
        # The authority is ours by configuration; msal would otherwise ask Microsoft's about any other.
        instance_discovery=False,
        http_client=http,
        token_cache=NothingKept(),
    )


def managed_identity(client_id: str | None) -> Credential:
    """The managed identity as the application's federated credential: no secret exists."""
    from azure.identity import ManagedIdentityCredential

    credential = ManagedIdentityCredential(client_id=client_id)
    # Called for each request to the token endpoint; the credential caches its token.
    return {"client_assertion": lambda: credential.get_token(EXCHANGE_AUDIENCE).token}


def _http(ca_file: str | None) -> object:
    import requests

    session = requests.Session()
    session.trust_env = False
    session.verify = ca_file or True
    # One connection serves everybody who signs in, so nothing of one person may stay on it.
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.request = partial(session.request, timeout=CALL_SECONDS)  # type: ignore[method-assign]  # requests has no timeout of a session
    return session
