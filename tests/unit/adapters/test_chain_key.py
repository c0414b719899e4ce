"""The key of the audit chain: derived from the data key, and not the data key."""

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives import hashes, hmac

from shared.adapters.chain_key import PURPOSE, DerivedSealing
from shared.errors import KeysUnavailable
from shared.settings import SettingMissing, Settings

DATA_KEY = bytes(range(32))
REQUIRED = {"COSMOS_ENDPOINT": "https://cosmos.example/", "ENTRA_AUDIENCE": "aud"}


class Keys:
    """Counts how often it is asked."""

    def __init__(self, key: bytes | None = DATA_KEY) -> None:
        self.key = key
        self.asked = 0

    async def data_key(self) -> bytes:
        self.asked += 1
        if self.key is None:
            raise KeysUnavailable("down")
        return self.key


def mac(key: bytes, text: bytes) -> bytes:
    made = hmac.HMAC(key, hashes.SHA256())
    made.update(text)
    return made.finalize()


async def test_the_key_is_the_one_that_rfc_5869_derives_and_is_derived_once() -> None:
    keys = Keys()
    sealing = DerivedSealing(keys, timedelta(days=400))
    terms = await sealing.terms()
    assert terms.key == mac(mac(bytes(32), DATA_KEY), PURPOSE + b"\x01")
    assert terms.key != DATA_KEY
    assert (await sealing.terms(), keys.asked) == (terms, 1)
    assert terms.retention == timedelta(days=400)


async def test_without_the_data_key_nothing_is_sealed() -> None:
    with pytest.raises(KeysUnavailable):
        await DerivedSealing(Keys(None), timedelta(days=400)).terms()


@pytest.mark.parametrize(("text", "days"), [(None, 400), ("", 400), ("30", 30), ("3650", 3650)])
def test_the_retention_is_a_number_of_days(text: str | None, days: int) -> None:
    named = {} if text is None else {"AUDIT_RETENTION_DAYS": text}
    assert Settings.from_environment({**REQUIRED, **named}).audit_retention == timedelta(days=days)


@pytest.mark.parametrize("text", ["29", "3651", "-1", "a year", "1e3", "\u0663\u0660\u0660"])
def test_a_retention_that_is_none_is_refused_with_its_name(text: str) -> None:
    with pytest.raises(SettingMissing, match="AUDIT_RETENTION_DAYS"):
        Settings.from_environment({**REQUIRED, "AUDIT_RETENTION_DAYS": text})
