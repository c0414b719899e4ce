"""Connects to the very address that was checked, so that a second DNS answer (rebinding) has nothing to act on."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import httpcore

from shared.adapters.addresses import is_address, refuse_any
from shared.errors import SourceUnavailable

Resolver = Callable[[str, int], Awaitable[list[str]]]
"""Every address of a host, as text; raises OSError when there is none."""

MAX_DIALS: Final = 4
# Its own few threads: names that resolve slowly must not use up the pool that everything else shares.
_RESOLVING: Final = ThreadPoolExecutor(max_workers=8, thread_name_prefix="resolve")


async def system_resolve(host: str, port: int) -> list[str]:
    """Every address that the operating system knows for the host."""
    loop = asyncio.get_running_loop()
    found = await loop.run_in_executor(_RESOLVING, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class PinnedNetwork(httpcore.AsyncNetworkBackend):
    """Resolves a host once, checks all that it resolves to, and dials only addresses that it checked.

    httpcore starts TLS on the stream with the URL's own host, so certificates are still checked against the name.
    """

    def __init__(self, *, allow_private: bool, resolve: Resolver, network: httpcore.AsyncNetworkBackend) -> None:
        self._allow_private = allow_private
        self._resolve = resolve
        self._network = network

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """A stream to one of the host's addresses; raises AddressRefused or SourceUnavailable."""
        addresses = [host] if is_address(host) else await self._addresses(host, port)
        refuse_any(host, addresses, allow_private=self._allow_private)
        *others, last = addresses[:MAX_DIALS]
        # An address that swallows packets must leave time for the next one.
        share = None if timeout is None else timeout / (len(others) + 1)
        for address in others:
            try:
                return await self._network.connect_tcp(address, port, share, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._network.connect_tcp(last, port, share, local_address, socket_options)

    async def _addresses(self, host: str, port: int) -> list[str]:
        try:
            addresses = await self._resolve(host, port)
        except (OSError, UnicodeError) as exc:  # UnicodeError: getaddrinfo's own IDNA step refuses some names
            raise SourceUnavailable(f"{host} cannot be resolved.", reason="unresolvable") from exc
        if not addresses:
            raise SourceUnavailable(f"{host} has no address.", reason="unresolvable")
        return addresses
