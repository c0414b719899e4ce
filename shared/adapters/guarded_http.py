"""The one HTTP client for tenant-supplied URLs: it goes only to checked addresses, and never waits or reads on.

`addresses` decides where we go, `pinned_network` sees to it; here a request is made, bounded in time and size, and
what goes wrong gets its reason. There are no redirects, cookies, proxies or credentials from the environment.
"""

import asyncio
import logging
import ssl
import zlib
from collections.abc import AsyncIterable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import httpcore
import httpx

from shared.adapters.addresses import Refusal, admit, port_of
from shared.adapters.pinned_network import PinnedNetwork, Resolver, system_resolve
from shared.errors import AddressRefused, SourceUnavailable

# httpcore's own debug lines hold response headers, and httpx's info lines whole URLs with their queries.
for _name in ("httpcore", "httpx"):
    logging.getLogger(_name).setLevel(logging.WARNING)

Fields: TypeAlias = Mapping[str, str | int | float | Sequence[str]]

DEFAULT_MAX_BYTES: Final = 8 * 1024 * 1024
DEFAULT_MAX_CONNECTIONS: Final = 200
"""For all tenants: so many that the few which one tenant's silent systems can hold are not missed by the others."""
_OWN_HEADERS: Final = frozenset(
    ("host", "connection", "content-length", "transfer-encoding", "accept-encoding", "te", "trailer", "upgrade")
)
_GZIP_WBITS: Final = 31


@dataclass(frozen=True)
class GuardedResponse:
    """A whole answer with a status of 2xx or 4xx, or one that was asked for; what it means is the caller's to say."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class GuardedHttp:
    """Requests to URLs that a tenant chose. Raises AddressRefused (permanent) and SourceUnavailable (passing).

    `allow_private` is for installations whose sources are in their own network: it admits http and private and
    loopback addresses, never link-local ones or a cloud's metadata. `resolve`, `network` and `tls` are seams.
    """

    def __init__(
        self,
        *,
        allow_private: bool,
        max_bytes: int = DEFAULT_MAX_BYTES,
        timeout_seconds: float = 10,
        max_connections: int = DEFAULT_MAX_CONNECTIONS,
        resolve: Resolver = system_resolve,
        network: httpcore.AsyncNetworkBackend | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._allow_private = allow_private
        self._max_bytes = max_bytes
        self._timeout_seconds = timeout_seconds
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls or httpx.create_ssl_context(trust_env=False),
            max_connections=max_connections,
            keepalive_expiry=30,
            network_backend=PinnedNetwork(
                allow_private=allow_private, resolve=resolve, network=network or httpcore.AnyIOBackend()
            ),
        )

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Fields | None = None,
        form: Fields | None = None,
        json: object = None,
        timeout_seconds: float | None = None,
        max_bytes: int | None = None,
        answers: Collection[int] = (),
    ) -> GuardedResponse:
        """The answer, read to its end within one deadline for everything; a 3xx or a 5xx raises.

        `answers` names statuses of 5xx whose bodies say something: they are answers like any other.
        """
        target = admit(url, allow_private=self._allow_private)
        request = _compose(method, target, headers=headers or {}, params=params, form=form, json=json)
        seconds = self._timeout_seconds if timeout_seconds is None else timeout_seconds
        # Each step may take all the time there is: a slow body made of quick reads is the deadline's to end.
        request.extensions["timeout"] = dict.fromkeys(("connect", "read", "write", "pool"), seconds)
        progress = _Progress()
        request.extensions["trace"] = progress.note
        with _translated(target.host, progress):
            async with asyncio.timeout(seconds):
                limit = self._max_bytes if max_bytes is None else max_bytes
                return await self._exchange(request, host=target.host, max_bytes=limit, answers=answers)

    async def aclose(self) -> None:
        """Closes every connection."""
        await self._pool.aclose()

    async def _exchange(
        self, request: httpcore.Request, *, host: str, max_bytes: int, answers: Collection[int]
    ) -> GuardedResponse:
        response = await self._pool.handle_async_request(request)
        try:
            if response.status not in answers:
                _refuse_status(response.status, host=host)
            headers = httpx.Headers(response.headers)
            coding = headers.get("content-encoding", "identity").strip().lower()
            body = await _read(response.aiter_stream(), coding=coding, max_bytes=max_bytes)
            return GuardedResponse(status=response.status, headers=headers, body=body)
        finally:
            await response.aclose()


def _compose(
    method: str,
    url: httpx.URL,
    *,
    headers: Mapping[str, str],
    params: Fields | None,
    form: Fields | None,
    json: object,
) -> httpcore.Request:
    for name in headers:
        if name.lower() in _OWN_HEADERS:
            raise AddressRefused(f"The header {name} is the client's own to set.", reason=Refusal.HEADER)
    try:
        composed = httpx.Request(
            method,
            url.copy_merge_params(dict(params)) if params else url,
            headers={"accept-encoding": "gzip", **headers},
            data=dict(form) if form else None,
            json=json,
        )
    except (UnicodeError, httpx.InvalidURL) as exc:
        raise AddressRefused("A header or a parameter cannot be sent as it is.", reason=Refusal.HEADER) from exc
    return httpcore.Request(
        method,
        httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=port_of(url), target=composed.url.raw_path),
        headers=composed.headers.raw,
        content=composed.read(),
        extensions={},
    )


def _refuse_status(status: int, *, host: str) -> None:
    if httpx.codes.is_redirect(status):
        raise AddressRefused(f"{host} answers with a redirect; give its final URL.", reason=Refusal.REDIRECT)
    if httpx.codes.is_server_error(status):
        raise SourceUnavailable(f"{host} answers with status {status}.", reason="http_5xx")
    if httpx.codes.is_informational(status):
        raise SourceUnavailable(f"{host} answers with status {status}, which ends nothing.", reason="protocol")


async def _read(stream: AsyncIterable[bytes], *, coding: str, max_bytes: int) -> bytes:
    """The whole body, decoded; never holds more than `max_bytes` and one chunk of it."""
    if coding not in ("identity", "gzip", "x-gzip"):
        raise SourceUnavailable("The answer is in a content coding that was not asked for.", reason="encoding")
    gunzip = None if coding == "identity" else zlib.decompressobj(_GZIP_WBITS)
    body, received = bytearray(), 0
    async for chunk in stream:
        received += len(chunk)
        # The limit is given to zlib itself: a small chunk can hold a thousand times its size.
        body += chunk if gunzip is None else gunzip.decompress(chunk, max_bytes + 1 - len(body))
        if max(received, len(body)) > max_bytes:
            raise SourceUnavailable(f"The answer is larger than {max_bytes} bytes.", reason="too_large")
    if gunzip is not None and received and not gunzip.eof:
        raise SourceUnavailable("The answer's compressed body is cut off.", reason="encoding")
    return bytes(body)


class _Progress:
    """Whether a request has got beyond waiting for a place in the pool."""

    def __init__(self) -> None:
        self.has_begun = False

    async def note(self, _event: str, _about: Mapping[str, object]) -> None:
        """What httpcore calls with each step; the first comes once there is a connection, old or new."""
        self.has_begun = True


@contextmanager
def _translated(host: str, progress: _Progress) -> Iterator[None]:
    """Gives what httpcore, TLS, zlib and the deadline raise this product's reasons."""
    try:
        yield
    except (TimeoutError, httpcore.TimeoutException) as exc:
        if not progress.has_begun:
            raise SourceUnavailable("All of our connections are in use.", reason="busy") from exc
        raise SourceUnavailable(f"{host} did not answer in full in time.", reason="timeout") from exc
    except ssl.SSLError as exc:
        raise SourceUnavailable(f"The TLS connection to {host} failed.", reason="tls") from exc
    except httpcore.NetworkError as exc:
        # httpcore wraps a failed handshake in ConnectError, with the TLS error as its argument.
        if any(isinstance(cause, ssl.SSLError) for cause in exc.args):
            raise SourceUnavailable(f"{host} has no TLS certificate that we trust.", reason="tls") from exc
        raise SourceUnavailable(f"The connection to {host} failed.", reason="connect") from exc
    except httpcore.LocalProtocolError as exc:
        raise AddressRefused("A header is not one that HTTP allows.", reason=Refusal.HEADER) from exc
    except httpcore.ProtocolError as exc:
        raise SourceUnavailable(f"{host} does not speak HTTP as it should.", reason="protocol") from exc
    except zlib.error as exc:
        raise SourceUnavailable(f"{host} sends a broken compressed body.", reason="encoding") from exc
