"""Secrets open only for the tenant and integration they were sealed for, and keys come from where they should."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from shared.adapters.key_file import KeyFile, create_key_file
from shared.adapters.key_vault import KeyVaultKeys
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


class FakeVault:
    """Unwraps by reversing, counts, and can be down."""

    def __init__(self) -> None:
        self.asked = 0
        self.is_down = False

    async def unwrap_key(self, algorithm: Any, encrypted_key: bytes) -> Any:
        self.asked += 1
        if self.is_down:
            raise HttpResponseError("down")
        assert algorithm == "RSA-OAEP-256"
        return SimpleNamespace(key=encrypted_key[::-1])


async def test_key_vault_unwraps_the_data_key_once() -> None:
    vault = FakeVault()
    keys = KeyVaultKeys(vault, "YWJj")
    assert [await keys.data_key(), await keys.data_key()] == [b"cba", b"cba"]
    assert vault.asked == 1


async def test_a_key_vault_that_is_down_is_our_own_fault_and_asked_again() -> None:
    vault = FakeVault()
    vault.is_down = True
    keys = KeyVaultKeys(vault, "YWJj")
    with pytest.raises(KeysUnavailable):
        await keys.data_key()
    vault.is_down = False
    assert await keys.data_key() == b"cba"


async def test_a_wrapped_key_that_is_not_base64_is_named() -> None:
    with pytest.raises(KeysUnavailable) as refused:
        await KeyVaultKeys(FakeVault(), "not base64!").data_key()
    assert refused.value.reason == "wrapped_key_malformed"
