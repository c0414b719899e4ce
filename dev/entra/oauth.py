"""Sign-in by authorization code with PKCE, and refresh: Authlib's grants over what is kept in memory.

A restart forgets codes and refresh tokens; access tokens stay valid, for their key is kept.
"""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import flask
from authlib.integrations.flask_oauth2 import (  # type: ignore[import-untyped]  # Authlib ships no types
    AuthorizationServer,
)
from authlib.oauth2 import OAuth2Request  # type: ignore[import-untyped]  # as above
from authlib.oauth2.rfc6749 import grants, scope_to_list  # type: ignore[import-untyped]  # as above
from authlib.oauth2.rfc7636 import CodeChallenge  # type: ignore[import-untyped]  # as above
from authlib.oidc.core.grants.code import OpenIDCode  # type: ignore[import-untyped]  # as above
from joserfc.jwk import RSAKey

from dev.entra.sign_ins import Application, Issued, SignIns
from dev.entra.tokens import (
    API_AUDIENCE,
    LIFETIME,
    Person,
    access_claims,
    entra_object_guid,
    identity_claims,
    issuer,
    sign,
)

CODE_LIFETIME = timedelta(minutes=5)
_PROTOCOL_SCOPES = frozenset({"openid", "profile", "email", "offline_access"})


class CodeGrant(grants.AuthorizationCodeGrant):  # type: ignore[misc]  # Authlib ships no types
    """Authlib's code grant over `SignIns`."""

    TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_post", "none")

    def save_authorization_code(self, code: str, request: OAuth2Request) -> None:
        """Called by Authlib when somebody has signed in."""
        asked = request.payload.data
        self.server.sign_ins.keep_code(
            Issued(
                value=code,
                client_id=request.client.get_client_id(),
                person=request.user,
                scope=request.scope or "",
                expires_at=datetime.now(UTC) + CODE_LIFETIME,
                redirect_uri=request.payload.redirect_uri or "",
                nonce=asked.get("nonce"),
                code_challenge=asked.get("code_challenge"),
                code_challenge_method=asked.get("code_challenge_method"),
            )
        )

    def query_authorization_code(self, code: str, client: Application) -> Issued | None:
        """Called by Authlib when a code is exchanged."""
        issued: Issued | None = self.server.sign_ins.code(_tenant_id(), code)
        return issued if issued and issued.check_client(client) else None

    def delete_authorization_code(self, authorization_code: Issued) -> None:
        """Called by Authlib after the exchange: a code works once."""
        self.server.sign_ins.forget(authorization_code)

    def authenticate_user(self, authorization_code: Issued) -> Person:
        """Called by Authlib: who signed in."""
        return authorization_code.person


class RefreshGrant(grants.RefreshTokenGrant):  # type: ignore[misc]  # Authlib ships no types
    """Authlib's refresh grant over `SignIns`; each refresh token works once."""

    TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_post", "none")
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> Issued | None:
        """Called by Authlib with what the client sent."""
        issued: Issued | None = self.server.sign_ins.refresh_token(_tenant_id(), refresh_token)
        return issued

    def authenticate_user(self, refresh_token: Issued) -> Person:
        """Called by Authlib: who signed in."""
        return refresh_token.person

    def revoke_old_credential(self, refresh_token: Issued) -> None:
        """Called by Authlib after the exchange."""
        self.server.sign_ins.forget(refresh_token)


class IdTokens(OpenIDCode):  # type: ignore[misc]  # Authlib ships no types
    """Adds Entra's id token and `client_info` to what the token endpoint answers."""

    def __init__(self, *, key: RSAKey, port: int) -> None:
        super().__init__(require_nonce=False)
        self._key = key
        self._port = port

    def exists_nonce(self, _nonce: str, _request: OAuth2Request) -> bool:
        """Never: the client that sent the nonce checks it."""
        return False

    def resolve_client_private_key(self, _client: Application) -> RSAKey:
        """The one key of the stand-in."""
        return self._key

    def get_client_algorithm(self, _client: Application) -> str:
        """Entra signs with RS256 only."""
        return "RS256"

    def get_encode_header(self, _client: Application) -> dict[str, str]:
        """Names the key, as Entra does."""
        return {"alg": "RS256", "typ": "JWT", "kid": str(self._key.kid)}

    def get_client_claims(self, client: Application) -> dict[str, Any]:
        """The claims that do not depend on the person."""
        return {"aud": client.get_client_id()}

    def generate_user_info(self, user: Person, _scope: str) -> dict[str, Any]:
        """The claims about the person."""
        return {"iss": issuer(self._port, user.tenant_id), **identity_claims(user, audience=API_AUDIENCE)}

    def process_token(self, grant: grants.BaseGrant, response: tuple[int, dict[str, Any], Any]) -> dict[str, Any]:
        """Called by Authlib on every answer of the token endpoint."""
        token: dict[str, Any] = super().process_token(grant, response)
        person = grant.request.user
        account = {"uid": entra_object_guid(person.email), "utid": person.tenant_id}
        # msal keys its account cache by this.
        encoded = base64.urlsafe_b64encode(json.dumps(account).encode()).decode().rstrip("=")
        token["client_info"] = encoded  # in place: Authlib answers with this very object
        return token


def authorization_server(app: flask.Flask, *, key: RSAKey, port: int) -> AuthorizationServer:
    """Authlib's server on this app, for every tenant: the tenant is the first part of the path."""
    sign_ins = SignIns()

    def access_token(*, user: Person, scope: str, **_: Any) -> str:
        claims = access_claims(
            user, port=port, audience=API_AUDIENCE, now=datetime.now(UTC), lifetime=LIFETIME, scope=_api_scope(scope)
        )
        return sign(key, claims)

    def keep(token: dict[str, Any], request: OAuth2Request) -> None:
        expires_at = datetime.now(UTC) + timedelta(days=1)
        refresh_token, client_id = token["refresh_token"], request.client.get_client_id()
        sign_ins.keep_refresh_token(
            Issued(refresh_token, client_id, request.user, token.get("scope", ""), expires_at)
        )

    app.config["OAUTH2_ACCESS_TOKEN_GENERATOR"] = access_token
    app.config["OAUTH2_REFRESH_TOKEN_GENERATOR"] = True
    seconds = int(LIFETIME.total_seconds())
    app.config["OAUTH2_TOKEN_EXPIRES_IN"] = {"authorization_code": seconds, "refresh_token": seconds}
    server = AuthorizationServer(
        app,
        query_client=lambda client_id: Application() if client_id == API_AUDIENCE else None,
        save_token=keep,
    )
    server.sign_ins = sign_ins
    id_tokens = IdTokens(key=key, port=port)
    server.register_grant(CodeGrant, [CodeChallenge(required=True), id_tokens])
    server.register_grant(RefreshGrant, [id_tokens])
    return server


def _api_scope(scope: str) -> str | None:
    """Entra's `scp`: the API's own scopes by their last part, without OpenID's."""
    asked = [name.rpartition("/")[2] for name in scope_to_list(scope) or [] if name not in _PROTOCOL_SCOPES]
    # What was consented to once and for all: here, the one scope that the registration exposes.
    asked = ["access" if name == ".default" else name for name in asked]
    return " ".join(asked) or None


def _tenant_id() -> str | None:
    """The directory that the path names; None for `organizations`, which is every directory."""
    named = (flask.request.view_args or {})["tenant_id"]
    return None if named is None else str(named)
