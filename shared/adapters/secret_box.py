"""Secrets sealed with AES-256-GCM, bound to the tenant and the integration they belong to."""

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.errors import SecretUnreadable
from shared.models.base import IntegrationId, TenantId
from shared.ports.secrets import DataKeys

VERSION = "v1"
NONCE_BYTES = 12


class AesSecretBox:
    """Implements SecretBox. Printable form: `v1.<nonce>.<ciphertext and tag>`, base64url."""

    def __init__(self, keys: DataKeys) -> None:
        self._keys = keys

    async def seal(self, tenant_id: TenantId, integration_id: IntegrationId, plaintext: str) -> str:
        """See SecretBox."""
        # 96 random bits a secret: far below the 2^32 messages after which a random nonce is a risk.
        nonce = os.urandom(NONCE_BYTES)
        cipher = AESGCM(await self._keys.data_key())
        sealed = cipher.encrypt(nonce, plaintext.encode(), _bound_to(tenant_id, integration_id))
        return ".".join((VERSION, urlsafe_b64encode(nonce).decode(), urlsafe_b64encode(sealed).decode()))

    async def open(self, tenant_id: TenantId, integration_id: IntegrationId, sealed: str) -> str:
        """See SecretBox."""
        cipher = AESGCM(await self._keys.data_key())
        try:
            version, nonce, ciphertext = sealed.split(".")
            if version != VERSION:
                raise ValueError("unknown version")
            opened = cipher.decrypt(
                urlsafe_b64decode(nonce), urlsafe_b64decode(ciphertext), _bound_to(tenant_id, integration_id)
            )
            return opened.decode()
        except (ValueError, Base64Error, InvalidTag) as exc:
            raise SecretUnreadable("a sealed secret could not be opened") from exc


def _bound_to(tenant_id: TenantId, integration_id: IntegrationId) -> bytes:
    """Length-prefixed, so that no other pair of ids reads the same."""
    return f"{len(tenant_id)}:{tenant_id}{len(integration_id)}:{integration_id}".encode()
