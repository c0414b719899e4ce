"""Secrets open only for the tenant and integration they were sealed for, and keys come from where they should."""

from base64 import b64encode
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from shared.adapters.key_file import KeyFile, create_key_file
from shared.adapters.key_vault import KeyVaultKeys, new_wrapped_key, rewrap
from shared.adapters.secret_box import AesSecretBox
from shared.errors import KeysUnavailable, SecretUnreadable
from shared.models.base import IntegrationId, TenantId
from tests.builders import ACME, GLOBEX

ONE, TWO = IntegrationId("int-1"), IntegrationId("int-2")


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "keys" / "data.key"
    create_key_file(path)
    return path


@pytest.fixture
def box(key_file: Path) -> AesSecretBox:
    return AesSecretBox(KeyFile(key_file))


async def test_what_was_sealed_opens_for_the_same_tenant_and_integration(box: AesSecretBox) -> None:
    sealed = await box.seal(ACME, ONE, '{"url": "https://prometheus"}')
    assert "prometheus" not in sealed
    assert await box.open(ACME, ONE, sealed) == '{"url": "https://prometheus"}'


async def test_the_same_secret_is_sealed_differently_each_time(box: AesSecretBox) -> None:
    assert await box.seal(ACME, ONE, "x") != await box.seal(ACME, ONE, "x")


@pytest.mark.parametrize(
    ("tenant", "integration"),
    [(GLOBEX, ONE), (ACME, TWO), (TenantId(f"{ACME}i"), IntegrationId("nt-1")), (TenantId(""), ONE)],
)
async def test_it_opens_for_nobody_else(box: AesSecretBox, tenant: TenantId, integration: IntegrationId) -> None:
    with pytest.raises(SecretUnreadable):
        await box.open(tenant, integration, await box.seal(ACME, ONE, "x"))


@pytest.mark.parametrize("altered", ["", "v1", "v1..", "v2.AAAA.AAAA", "v1.AAAA.AAAA", "v1.é.é", "x" * 1000])
async def test_what_is_no_sealed_secret_is_refused(box: AesSecretBox, altered: str) -> None:
    with pytest.raises(SecretUnreadable):
        await box.open(ACME, ONE, altered)


async def test_one_changed_character_is_noticed(box: AesSecretBox) -> None:
    sealed = await box.seal(ACME, ONE, "a longer secret than one block of the cipher")
    at = len(sealed) // 2
    other = "A" if sealed[at] != "A" else "B"
    with pytest.raises(SecretUnreadable):
        await box.open(ACME, ONE, sealed[:at] + other + sealed[at + 1 :])


async def test_another_key_opens_nothing(box: AesSecretBox, tmp_path: Path) -> None:
    create_key_file(tmp_path / "other.key")
    with pytest.raises(SecretUnreadable):
        await AesSecretBox(KeyFile(tmp_path / "other.key")).open(ACME, ONE, await box.seal(ACME, ONE, "x"))


def test_an_existing_key_is_never_replaced(key_file: Path) -> None:
    before = key_file.read_bytes()
    create_key_file(key_file)
    assert key_file.read_bytes() == before
    assert len(before) == 32


@pytest.fixture
def open_file(key_file: Path) -> Path:
    key_file.chmod(0o640)
    return key_file


async def test_a_key_file_that_others_can_read_is_refused(open_file: Path) -> None:
    with pytest.raises(KeysUnavailable) as refused:
        await KeyFile(open_file).data_key()
    assert refused.value.reason == "key_file_open"


@pytest.fixture
def short_file(tmp_path: Path) -> Path:
    path = tmp_path / "short"
    path.touch(mode=0o600)
    return path


async def test_a_missing_or_short_key_file_is_named(tmp_path: Path, short_file: Path) -> None:
    with pytest.raises(KeysUnavailable) as missing:
        await KeyFile(tmp_path / "none").data_key()
    assert missing.value.reason == "key_file_missing"
    with pytest.raises(KeysUnavailable) as refused:
        await KeyFile(short_file).data_key()
    assert refused.value.reason == "key_file_size"


KEY = bytes(range(32))


class FakeVault:
    """One version of a key: wraps by adding its number to each byte; counts, and can be down or lie."""

    def __init__(self, version: int = 1) -> None:
        self.asked = 0
        self.is_down = False
        self.lies = False
        self._version = version

    async def unwrap_key(self, algorithm: Any, encrypted_key: bytes) -> Any:
        self._ask(algorithm)
        return SimpleNamespace(key=bytes((one - self._version - self.lies) % 256 for one in encrypted_key))

    async def wrap_key(self, algorithm: Any, key: bytes) -> Any:
        self._ask(algorithm)
        return SimpleNamespace(encrypted_key=bytes((one + self._version) % 256 for one in key))

    def _ask(self, algorithm: Any) -> None:
        self.asked += 1
        if self.is_down:
            raise HttpResponseError("down")
        assert algorithm == "RSA-OAEP-256"


def wrapped_by(version: int, key: bytes = KEY) -> str:
    return b64encode(bytes((one + version) % 256 for one in key)).decode()


async def test_key_vault_unwraps_the_data_key_once() -> None:
    vault = FakeVault()
    keys = KeyVaultKeys(vault, wrapped_by(1))
    assert [await keys.data_key(), await keys.data_key()] == [KEY, KEY]
    assert vault.asked == 1


async def test_a_key_vault_that_is_down_is_our_own_fault_and_asked_again() -> None:
    vault = FakeVault()
    vault.is_down = True
    keys = KeyVaultKeys(vault, wrapped_by(1))
    with pytest.raises(KeysUnavailable):
        await keys.data_key()
    vault.is_down = False
    assert await keys.data_key() == KEY


async def test_a_wrapped_key_that_is_not_base64_is_named() -> None:
    with pytest.raises(KeysUnavailable) as refused:
        await KeyVaultKeys(FakeVault(), "not base64!").data_key()
    assert refused.value.reason == "wrapped_key_malformed"


async def test_what_is_no_data_key_seals_nothing() -> None:
    with pytest.raises(KeysUnavailable) as refused:
        await KeyVaultKeys(FakeVault(), wrapped_by(1, b"short")).data_key()
    assert refused.value.reason == "data_key_size"


async def test_what_was_sealed_before_a_rewrap_opens_after_it() -> None:
    sealed = await AesSecretBox(KeyVaultKeys(FakeVault(1), wrapped_by(1))).seal(ACME, ONE, "x")
    again = await rewrap(FakeVault(1), FakeVault(2), wrapped_by(1))
    assert again != wrapped_by(1)
    assert await AesSecretBox(KeyVaultKeys(FakeVault(2), again)).open(ACME, ONE, sealed) == "x"


async def test_a_rewrap_that_could_not_be_undone_gives_nothing() -> None:
    lying = FakeVault(2)
    lying.lies = True
    with pytest.raises(KeysUnavailable) as refused:
        await rewrap(FakeVault(1), lying, wrapped_by(1))
    assert refused.value.reason == "rewrap_failed"


@pytest.mark.parametrize("down", [0, 1])
async def test_a_rewrap_with_a_vault_that_is_down_gives_nothing(down: int) -> None:
    vaults = [FakeVault(1), FakeVault(2)]
    vaults[down].is_down = True
    with pytest.raises(KeysUnavailable):
        await rewrap(*vaults, wrapped_by(1))


async def test_a_new_environments_key_is_random_and_comes_wrapped() -> None:
    vault = FakeVault()
    one, other = await new_wrapped_key(vault), await new_wrapped_key(vault)
    assert one != other
    assert len(await KeyVaultKeys(vault, one).data_key()) == 32


async def test_a_new_key_that_the_vault_does_not_give_back_is_not_given_out() -> None:
    vault = FakeVault()
    vault.lies = True
    with pytest.raises(KeysUnavailable, match="does not give back"):
        await new_wrapped_key(vault)
