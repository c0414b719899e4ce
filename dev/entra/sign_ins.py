"""Who may ask for tokens, and the codes and refresh tokens that are out; in memory, so a restart forgets them."""

from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from dev.entra.tokens import API_AUDIENCE, Person

CLIENT_SECRET = "local-only"
"""The secret of the one registered application; it protects nothing outside this machine."""

_LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class Issued:
    """An authorization code or a refresh token: to whom, for which client, and what was asked."""

    value: str
    client_id: str
    person: Person
    scope: str
    expires_at: datetime
    redirect_uri: str = ""
    nonce: str | None = None
    code_challenge: str | None = None
    code_challenge_method: str | None = None

    def get_redirect_uri(self) -> str:
        """Where the code was sent."""
        return self.redirect_uri

    def get_scope(self) -> str:
        """What was granted."""
        return self.scope

    def get_nonce(self) -> str | None:
        """What the client wants to see again in the id token."""
        return self.nonce

    def get_auth_time(self) -> None:
        """Entra's tokens do not say when the person signed in."""

    def get_acr(self) -> None:
        """Entra's v2.0 tokens have none."""

    def get_amr(self) -> None:
        """Entra's v2.0 tokens have none."""

    def check_client(self, client: "Application") -> bool:
        """Only the client that it was issued to may use it."""
        return client.get_client_id() == self.client_id


class Application:
    """The product's app registration: confidential with its secret, public with PKCE, loopback redirects only."""

    def get_client_id(self) -> str:
        """The registration's id."""
        return API_AUDIENCE

    def get_default_redirect_uri(self) -> None:
        """None: Entra wants it said."""

    def get_allowed_scope(self, scope: str) -> str:
        """Every scope is granted."""
        return scope

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Only this machine's own pages."""
        return urlsplit(redirect_uri).hostname in _LOOPBACK_HOSTS

    def check_client_secret(self, client_secret: str) -> bool:
        """Whether it is the registration's secret."""
        return client_secret == CLIENT_SECRET

    def check_endpoint_auth_method(self, method: str, _endpoint: str) -> bool:
        """A secret in the body, or none at all and PKCE instead."""
        return method in ("client_secret_post", "none")

    def check_response_type(self, response_type: str) -> bool:
        """Codes only."""
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        """What the token endpoint does for it."""
        return grant_type in ("authorization_code", "refresh_token")


class SignIns:
    """Codes and refresh tokens that have been issued and not yet used."""

    def __init__(self) -> None:
        self._codes: dict[str, Issued] = {}
        self._refresh_tokens: dict[str, Issued] = {}

    def keep_code(self, code: Issued) -> None:
        """Remembers a code until it is taken."""
        self._codes[code.value] = code

    def keep_refresh_token(self, token: Issued) -> None:
        """Remembers a refresh token until it is taken."""
        self._refresh_tokens[token.value] = token

    def code(self, tenant_id: str | None, value: str) -> Issued | None:
        """The code, when it is this tenant's (None: any) and not too old."""
        return self._valid(tenant_id, self._codes.get(value))

    def refresh_token(self, tenant_id: str | None, value: str) -> Issued | None:
        """The refresh token, when it is this tenant's and not too old."""
        return self._valid(tenant_id, self._refresh_tokens.get(value))

    def forget(self, issued: Issued) -> None:
        """Makes a code or a refresh token unusable."""
        self._codes.pop(issued.value, None)
        self._refresh_tokens.pop(issued.value, None)

    @staticmethod
    def _valid(tenant_id: str | None, issued: Issued | None) -> Issued | None:
        if issued is None or issued.expires_at < datetime.now(UTC):
            return None
        return issued if tenant_id in (None, issued.person.tenant_id) else None
