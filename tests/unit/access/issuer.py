"""An identity provider in a few lines: a key, tokens signed with it, and the endpoint that publishes it, counted."""

from dataclasses import dataclass, field
from functools import cache
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.builders import NOON

AUTHORITY = "https://login.test"
AUDIENCE = "11111111-1111-4111-8111-111111111111"
ACME_TID = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"
GLOBEX_TID = "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb"
STRANGER_TID = "cccccccc-cccc-4ccc-8ccc-cccccccccccc"
OBJECT_ID = "dddddddd-dddd-4ddd-8ddd-dddddddddddd"
KEY_ID = "key-1"
NOW = int(NOON.timestamp())


@cache
def a_key(name: str) -> rsa.RSAPrivateKey:
    """The key pair of this name; making one takes a while, so all tests share it."""
    assert name
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def public_pem() -> bytes:
    """The public key as it would be misused as a shared secret."""
    return a_key(KEY_ID).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def claims(**changes: Any) -> dict[str, Any]:
    """The claims of an engineer of Acme at noon; None leaves a claim out."""
    tid = changes.get("tid", ACME_TID)
    usual = {
        "ver": "2.0",
        "iss": f"{AUTHORITY}/{tid}/v2.0",
        "aud": AUDIENCE,
        "tid": tid,
        "oid": OBJECT_ID,
        "sub": "subject",
        "preferred_username": "dana.ops@acme.example",
        "name": "Dana Ops",
        "roles": ["engineer"],
        "iat": NOW - 10,
        "nbf": NOW - 10,
        "exp": NOW + 3600,
    }
    return {name: value for name, value in {**usual, **changes}.items() if value is not None}


def a_token(*, headers: dict[str, Any] | None = None, signed_with: str = KEY_ID, **changes: Any) -> str:
    """A token with these claims changed, signed with RS256; a header that is None is left out."""
    named = {name: value for name, value in {"kid": KEY_ID, **(headers or {})}.items() if value is not None}
    return jwt.encode(claims(**changes), a_key(signed_with), algorithm="RS256", headers=named)


def published(key_id: str, **changes: Any) -> dict[str, Any]:
    """A key as the endpoint lists it."""
    listed = jwt.algorithms.RSAAlgorithm.to_jwk(a_key(key_id).public_key(), as_dict=True)
    return {**listed, "kid": key_id, "use": "sig", **changes}


@dataclass
class KeyEndpoint:
    """Answers as `{authority}/{tid}/discovery/v2.0/keys` and keeps the paths it was asked for."""

    keys: list[Any] = field(default_factory=lambda: [published(KEY_ID)])
    is_down: bool = False
    body: bytes | None = None
    status: int = 200
    paths: list[str] = field(default_factory=list)

    def client(self) -> httpx.AsyncClient:
        """A client that reaches only this."""
        return httpx.AsyncClient(transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.paths.append(request.url.path)
        if self.is_down:
            raise httpx.ConnectError("down", request=request)
        if self.body is not None:
            return httpx.Response(self.status, content=self.body)
        return httpx.Response(self.status, json={"keys": self.keys})


@dataclass
class Clock:
    """Seconds that pass when a test says so."""

    seconds: float = 1000.0

    def __call__(self) -> float:
        return self.seconds
