"""The one place where ports meet their adapters. A process is wired once, on first use, for its event loop."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from shared.ports.secrets import SecretBox
from shared.ports.services import Services
from shared.settings import Settings
from shared.signals.credentials import InboundCredentials

if TYPE_CHECKING:
    import azure.functions as func


@dataclass(frozen=True)
class Process:
    """What one worker process holds: its services, the webhooks' credentials, and how to close it all."""

    settings: Settings
    services: Services
    credentials: InboundCredentials
    secret_box: SecretBox
    closers: list[Callable[[], Awaitable[None]]] = field(default_factory=list)

    @cached_property
    def api(self) -> "func.AsgiMiddleware":
        """The API behind its one function; FastAPI is imported here and nowhere before."""
        import azure.functions as func

        from shared.adapters.entra import EntraKeys
        from shared.api import create_api

        api = create_api(self.services, self.settings, now=lambda: datetime.now(UTC))
        return func.AsgiMiddleware(api)

    async def aclose(self) -> None:
        """Close every client."""
        for close in reversed(self.closers):
            await close()
