"""Where the keys come from that check tokens."""

from typing import Any, Protocol


class SigningKeys(Protocol):
    """The identity provider's public keys."""

    async def key(self, entra_tenant_id: str, key_id: str) -> Any | None:
        """The public key with this id, None when there is none; raises KeysUnavailable with nothing cached."""
        ...
