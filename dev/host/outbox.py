"""Queue output bindings: what a function returned or set becomes messages."""

import json
from typing import Any

from azure.functions import QueueMessage
from azure.functions.queue import QueueMessageOutConverter

from dev.host.bindings import QueueOutput
from dev.host.delivery import MessageEncoding, encode
from dev.host.storage import QueueAccounts


class Outbox:
    """Adds a function's outputs to their queues."""

    def __init__(self, accounts: QueueAccounts, encoding: MessageEncoding) -> None:
        self._accounts = accounts
        self._encoding = encoding

    async def send(self, output: QueueOutput, value: object) -> None:
        """Add every message in `value`; raises NotImplementedError for a type the worker cannot encode."""
        for body in bodies(value):
            await self._accounts.add(output.connection, output.queue, encode(body, self._encoding))


def bodies(value: object) -> list[bytes]:
    """The message bodies in a str, bytes, QueueMessage or an iterable of them, by the worker's own encoder."""
    if isinstance(value, QueueMessage):
        return [value.get_body()]
    encoded = QueueMessageOutConverter.encode(value, expected_type=None)
    match encoded.type:
        case "string":
            return [encoded.value.encode()]
        case "bytes":
            return [encoded.value]
    return [_listed_body(item) for item in json.loads(encoded.value)]


def _listed_body(item: Any) -> bytes:
    text: str = item["body"] if isinstance(item, dict) else item
    return text.encode()
