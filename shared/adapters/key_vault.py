"""The data key wrapped by a key in Azure Key Vault: unwrapped once a process, never stored in the clear."""

from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Awaitable
from typing import Any, Protocol

from shared.errors import KeysUnavailable


class Unwraps(Protocol):
    """What is used of Key Vault's CryptographyClient."""

    def unwrap_key(self, algorithm: Any, encrypted_key: bytes) -> Awaitable[Any]:
        """To await for an object whose `key` holds the unwrapped bytes."""
        ...


class KeyVaultKeys:
    """Implements DataKeys."""

    def __init__(self, vault: Unwraps, wrapped: str) -> None:
        self._vault = vault
        self._wrapped = wrapped
        self._key: bytes | None = None

    async def data_key(self) -> bytes:
        """See DataKeys."""
        if self._key is None:
            self._key = await self._unwrap()
        return self._key

    async def _unwrap(self) -> bytes:
        from azure.core.exceptions import AzureError
        from azure.keyvault.keys.crypto import KeyWrapAlgorithm

        try:
            wrapped = b64decode(self._wrapped, validate=True)
            answer = await self._vault.unwrap_key(KeyWrapAlgorithm.rsa_oaep_256, wrapped)
        except Base64Error as exc:
            raise KeysUnavailable("WRAPPED_DATA_KEY is not base64", reason="wrapped_key_malformed") from exc
        except AzureError as exc:
            raise KeysUnavailable("Key Vault did not unwrap the data key") from exc
        return bytes(answer.key)


def key_vault_keys(key_id: str, wrapped: str, client_id: str | None) -> KeyVaultKeys:
    """The data key of an environment in Azure."""
    from azure.keyvault.keys.crypto.aio import CryptographyClient

    from shared.adapters.identity import credential

    return KeyVaultKeys(CryptographyClient(key_id, credential(client_id)), wrapped)
