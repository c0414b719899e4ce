"""The data key wrapped by a key in Azure Key Vault: unwrapped once a process, never stored in the clear."""

import os
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Awaitable
from hmac import compare_digest
from typing import Any, Protocol

from shared.adapters.key_file import KEY_BYTES
from shared.errors import KeysUnavailable


class Unwraps(Protocol):
    """What is used of Key Vault's CryptographyClient."""

    def unwrap_key(self, algorithm: Any, encrypted_key: bytes) -> Awaitable[Any]:
        """To await for an object whose `key` holds the unwrapped bytes."""
        ...


class Wraps(Unwraps, Protocol):
    """What is used of it where a data key is wrapped."""

    def wrap_key(self, algorithm: Any, key: bytes) -> Awaitable[Any]:
        """To await for an object whose `encrypted_key` holds the wrapped bytes."""
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
            self._key = await _unwrapped(self._vault, self._wrapped)
        return self._key


async def new_wrapped_key(vault: Wraps) -> str:
    """A new data key, wrapped: the WRAPPED_DATA_KEY of a new environment. The key itself is seen by nobody.

    What was wrapped is unwrapped once before it is returned. Raises KeysUnavailable.
    """
    return await _proven(vault, os.urandom(KEY_BYTES))


async def rewrap(old: Unwraps, new: Wraps, wrapped: str) -> str:
    """The same data key wrapped by another key: the new WRAPPED_DATA_KEY. Nothing has to be sealed again.

    What was wrapped is unwrapped once more before it is returned. Raises KeysUnavailable.
    """
    return await _proven(new, await _unwrapped(old, wrapped))


async def new_key_in_vault(key_id: str, client_id: str | None) -> str:
    """`new_wrapped_key` by the key with this identifier."""
    from azure.keyvault.keys.crypto.aio import CryptographyClient

    from shared.adapters.identity import credential

    async with CryptographyClient(key_id, credential(client_id)) as vault:
        return await new_wrapped_key(vault)


async def rewrap_in_vault(old_key_id: str, new_key_id: str, wrapped: str, client_id: str | None) -> str:
    """`rewrap` between two keys, or two versions of one, by their identifiers."""
    from azure.keyvault.keys.crypto.aio import CryptographyClient

    from shared.adapters.identity import credential

    async with (
        CryptographyClient(old_key_id, credential(client_id)) as old,
        CryptographyClient(new_key_id, credential(client_id)) as new,
    ):
        return await rewrap(old, new, wrapped)


async def _unwrapped(vault: Unwraps, wrapped: str) -> bytes:
    from azure.core.exceptions import AzureError
    from azure.keyvault.keys.crypto import KeyWrapAlgorithm

    try:
        answer = await vault.unwrap_key(KeyWrapAlgorithm.rsa_oaep_256, b64decode(wrapped, validate=True))
    except Base64Error as exc:
        raise KeysUnavailable("WRAPPED_DATA_KEY is not base64", reason="wrapped_key_malformed") from exc
    except AzureError as exc:
        raise KeysUnavailable("Key Vault did not unwrap the data key") from exc
    key = bytes(answer.key)
    if len(key) != KEY_BYTES:
        raise KeysUnavailable(f"what was unwrapped is no data key of {KEY_BYTES} bytes", reason="data_key_size")
    return key


async def _proven(vault: Wraps, key: bytes) -> str:
    """A data key wrapped, and seen to come back: everything that is sealed rests on it."""
    wrapped = await _wrapped(vault, key)
    if not compare_digest(await _unwrapped(vault, wrapped), key):
        raise KeysUnavailable("the key in Key Vault does not give back what it wrapped", reason="rewrap_failed")
    return wrapped


async def _wrapped(vault: Wraps, key: bytes) -> str:
    from azure.core.exceptions import AzureError
    from azure.keyvault.keys.crypto import KeyWrapAlgorithm

    try:
        answer = await vault.wrap_key(KeyWrapAlgorithm.rsa_oaep_256, key)
    except AzureError as exc:
        raise KeysUnavailable("Key Vault did not wrap the data key") from exc
    return b64encode(answer.encrypted_key).decode()


def key_vault_keys(key_id: str, wrapped: str, client_id: str | None) -> KeyVaultKeys:
    """The data key of an environment in Azure."""
    from azure.keyvault.keys.crypto.aio import CryptographyClient

    from shared.adapters.identity import credential

    return KeyVaultKeys(CryptographyClient(key_id, credential(client_id)), wrapped)
