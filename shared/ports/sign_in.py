"""Where people sign in: the identity provider, as the web app's server talks to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Begun:
    """A sign-in that was begun: where to send the browser, and what only its cookie may know."""

    address: str
    flow: str
    """State, nonce and PKCE verifier, as JSON; to be sealed."""


@dataclass(frozen=True)
class Tokens:
    """What the provider issued. `object_id` is who the identity token names; None when there was none."""

    access_token: str
    refresh_token: str
    object_id: str | None


class IdentityProvider(Protocol):
    """Authorization code with PKCE, state and nonce; every method may raise ProviderUnavailable."""

    async def begin(self, *, redirect_uri: str, login_hint: str | None) -> Begun:
        """Begin a sign-in."""
        ...

    async def complete(self, flow: str, answer: Mapping[str, str]) -> Tokens:
        """Turn what the browser brought back into tokens; raises Unauthenticated unless it answers this very flow."""
        ...

    async def renew(self, refresh_token: str) -> Tokens:
        """New tokens for the same person; raises Unauthenticated when the provider does not give any."""
        ...
