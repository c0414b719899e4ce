"""With what the audit trail is sealed: a key of its own, derived (HKDF, RFC 5869) from the environment's data key."""

from datetime import timedelta

from shared.ports.audit import SealingTerms
from shared.ports.secrets import DataKeys

KEY_BYTES = 32
PURPOSE = b"sre-copilot audit chain v1"


class DerivedSealing:
    """Implements Sealing; the key is derived once a process."""

    def __init__(self, keys: DataKeys, retention: timedelta) -> None:
        self._keys = keys
        self._retention = retention
        self._terms: SealingTerms | None = None

    async def terms(self) -> SealingTerms:
        """See Sealing."""
        if self._terms is None:
            self._terms = SealingTerms(_derived(await self._keys.data_key()), self._retention)
        return self._terms


def _derived(data_key: bytes) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=PURPOSE).derive(data_key)
