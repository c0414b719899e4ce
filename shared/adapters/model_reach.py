"""Whether the model's endpoint can be reached: any answer of it will do, and none of them costs anything."""

import httpx

from shared.errors import ModelUnavailable

REACH_SECONDS = 2.0


class ModelReach:
    """Connects to an endpoint of the operator's own settings; it sends no credential and reads no body."""

    def __init__(self, endpoint: str, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._endpoint = endpoint
        self._transport = transport

    async def reach(self) -> None:
        """Return when somebody answers; raises ModelUnavailable."""
        try:
            async with (
                httpx.AsyncClient(transport=self._transport, timeout=REACH_SECONDS, trust_env=False) as http,
                http.stream("HEAD", self._endpoint),
            ):
                return
        except httpx.HTTPError as exc:
            raise ModelUnavailable("the model's endpoint cannot be reached", reason="model_unreachable") from exc
