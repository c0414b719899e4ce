"""Where the keys come from that check tokens."""

from typing import Any, Protocol


class SigningKeys(Protocol):
    """The identity provider's public keys."""

    async def key(self, entra_tenant_id: str, key_id: str) -> Any | None:
        """The public key with this id, None when there is none; raises KeysUnavailable with nothing cached."""
        ...

    async def shared_key(self, key_id: str) -> Any | None:
        """The same among the keys that the provider signs every directory's tokens with; for those we do not know."""
        ...
