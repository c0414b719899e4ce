"""Who may send: tokens as hashes, the last known good over an outage, and nothing for junk ids."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from shared.adapters.key_file import KeyFile
from shared.adapters.secret_box import AesSecretBox
from shared.errors import KeysUnavailable, SecretUnreadable, StoreUnavailable, Unauthenticated
from shared.models.base import IntegrationId, TenantId
from shared.models.signals import Source
from shared.models.tenants import InboundCredential, IntegrationType, Scheme
from shared.signals.credentials import (
    ASK_AGAIN_AFTER,
    FRESH_FOR,
    LAST_GOOD_FOR,
    MAX_CACHED,
    UNKNOWN_FOR,
    InboundCredentials,
    Presented,
    hash_token,
)
from shared.signals.schemes import signature_of
from tests.builders import ACME, NOON, ONE_SECOND, a_credential

TOKEN = "a-token-of-256-random-bits"


def presenting(header: str | None) -> Presented:
    return Presented({"authorization": header} if header is not None else {}, b"{}")


BEARER = presenting(f"Bearer {TOKEN}")
NO_SECRETS = AesSecretBox(KeyFile(Path("never-read")))
KNOWN = a_credential(token_hashes=(hash_token(TOKEN),))


class FixedKey:
    """A data key that can be out of reach."""

    is_down = False

    async def data_key(self) -> bytes:
        if self.is_down:
            raise KeysUnavailable("down")
        return b"k" * 32


class FakeLookups:
    """Knows some credentials, counts how often it is asked, and can be down."""

    def __init__(self, *credentials: InboundCredential) -> None:
        self.known = {one.integration_id: one for one in credentials}
        self.asked: list[str] = []
        self.is_down = False
        self.hangs = False

    async def inbound(self, integration_id: str) -> InboundCredential | None:
        self.asked.append(integration_id)
        if self.is_down:
            raise StoreUnavailable("down")
        if self.hangs:
            await asyncio.Event().wait()
        return self.known.get(integration_id)

    async def tenant_of_entra(self, entra_tenant_id: str) -> TenantId | None:
        raise NotImplementedError

    async def put_inbound(self, credential: InboundCredential) -> None:
        raise NotImplementedError

    async def put_entra(self, entra_tenant_id: str, tenant_id: TenantId) -> None:
        raise NotImplementedError


async def test_the_right_token_proves_the_integration() -> None:
    credentials = InboundCredentials(FakeLookups(KNOWN), NO_SECRETS)
    found = await credentials.authenticate("int-1", Source.ALERTMANAGER, BEARER, now=NOON)
    assert found == KNOWN


@pytest.mark.parametrize(
    ("integration_id", "header"),
    [
        ("int-1", None),
        ("int-1", ""),
        ("int-1", "Bearer"),
        ("int-1", "Bearer "),
        ("int-1", "Bearer wrong"),
        ("int-1", f"Basic {TOKEN}"),
        ("int-1", TOKEN),
        ("int-1", f"Bearer {hash_token(TOKEN)}"),
        ("int-2", f"Bearer {TOKEN}"),
        ("../int-1", f"Bearer {TOKEN}"),
        ("", f"Bearer {TOKEN}"),
    ],
)
async def test_anything_else_is_refused_in_the_same_words(integration_id: str, header: str | None) -> None:
    with pytest.raises(Unauthenticated, match=r"^the integration is unknown or what it presents is wrong$"):
        await InboundCredentials(FakeLookups(KNOWN), NO_SECRETS).authenticate(
            integration_id, Source.ALERTMANAGER, presenting(header), now=NOON
        )


async def test_an_inactive_integration_is_refused() -> None:
    lookups = FakeLookups(KNOWN.model_copy(update={"is_active": False}))
    with pytest.raises(Unauthenticated):
        await InboundCredentials(lookups, NO_SECRETS).authenticate("int-1", Source.ALERTMANAGER, BEARER, now=NOON)


async def test_either_of_two_active_tokens_is_good() -> None:
    rotated = KNOWN.model_copy(update={"token_hashes": (hash_token("new"), hash_token(TOKEN))})
    credentials = InboundCredentials(FakeLookups(rotated), NO_SECRETS)
    for header in (f"Bearer {TOKEN}", "Bearer new"):
        assert await credentials.authenticate("int-1", Source.ALERTMANAGER, presenting(header), now=NOON)


async def test_a_fresh_answer_is_not_asked_for_again() -> None:
    lookups = FakeLookups(KNOWN)
    credentials = InboundCredentials(lookups, NO_SECRETS)
    for at in (NOON, NOON + FRESH_FOR - ONE_SECOND):
        await credentials.authenticate("int-1", Source.ALERTMANAGER, BEARER, now=at)
    assert lookups.asked == ["int-1"]


async def test_a_revoked_token_is_refused_once_the_answer_is_stale() -> None:
    lookups = FakeLookups(KNOWN)
    credentials = InboundCredentials(lookups, NO_SECRETS)
    await credentials.authenticate("int-1", Source.ALERTMANAGER, BEARER, now=NOON)
    lookups.known["int-1"] = KNOWN.model_copy(update={"token_hashes": ()})
    with pytest.raises(Unauthenticated):
        await credentials.authenticate("int-1", Source.ALERTMANAGER, BEARER, now=NOON + FRESH_FOR)


async def test_pages_come_in_on_the_last_known_good_while_the_store_is_down() -> None:
    lookups = FakeLookups(KNOWN)
    credentials = InboundCredentials(lookups, NO_SECRETS)
    await credentials.authenticate("int-1", Source.ALERTMANAGER, BEARER, now=NOON)
    lookups.is_down = True
    assert await credentials.authenticate("int-1", Source.ALERTMANAGER, BEARER, now=NOON + timedelta(hours=2))
    with pytest.raises(StoreUnavailable):
        await credentials.authenticate("int-1", Source.ALERTMANAGER, BEARER, now=NOON + LAST_GOOD_FOR)


async def test_a_store_that_hangs_is_not_waited_for_when_there_is_a_last_known_good() -> None:
    lookups = FakeLookups(KNOWN)
    credentials = InboundCredentials(lookups, NO_SECRETS, patience_seconds=0.01)
    await credentials.authenticate("int-1", Source.ALERTMANAGER, BEARER, now=NOON)
    lookups.hangs = True
    assert await credentials.authenticate("int-1", Source.ALERTMANAGER, BEARER, now=NOON + timedelta(hours=2))


async def test_in_an_outage_the_store_is_asked_once_in_a_while_and_not_by_every_delivery() -> None:
    lookups = FakeLookups(KNOWN)
    credentials = InboundCredentials(lookups, NO_SECRETS)
    await credentials.authenticate("int-1", Source.ALERTMANAGER, BEARER, now=NOON)
    lookups.is_down = True
    outage = NOON + timedelta(hours=2)
    for at in (outage, outage, outage + ASK_AGAIN_AFTER - ONE_SECOND, outage + ASK_AGAIN_AFTER):
        await credentials.authenticate("int-1", Source.ALERTMANAGER, BEARER, now=at)
    assert len(lookups.asked) == 1 + 2


async def test_after_an_outage_a_revoked_token_is_refused() -> None:
    lookups = FakeLookups(KNOWN)
    credentials = InboundCredentials(lookups, NO_SECRETS)
    await credentials.authenticate("int-1", Source.ALERTMANAGER, BEARER, now=NOON)
    lookups.is_down = True
    await credentials.authenticate("int-1", Source.ALERTMANAGER, BEARER, now=NOON + FRESH_FOR)
    lookups.is_down = False
    lookups.known.clear()
    with pytest.raises(Unauthenticated):
        await credentials.authenticate("int-1", Source.ALERTMANAGER, BEARER, now=NOON + FRESH_FOR + ASK_AGAIN_AFTER)


async def test_while_one_delivery_asks_the_others_go_on_with_what_is_known() -> None:
    lookups = FakeLookups(KNOWN)
    credentials = InboundCredentials(lookups, NO_SECRETS, patience_seconds=0.01)
    await credentials.authenticate("int-1", Source.ALERTMANAGER, BEARER, now=NOON)
    lookups.hangs = True
    late = NOON + FRESH_FOR
    await asyncio.gather(
        *(credentials.authenticate("int-1", Source.ALERTMANAGER, BEARER, now=late) for _ in range(10))
    )
    assert lookups.asked == ["int-1", "int-1"]


async def test_an_unknown_integration_is_our_own_fault_while_the_store_is_down() -> None:
    lookups = FakeLookups()
    lookups.is_down = True
    with pytest.raises(StoreUnavailable):
        await InboundCredentials(lookups, NO_SECRETS).authenticate("int-1", Source.ALERTMANAGER, BEARER, now=NOON)


async def test_a_junk_id_is_looked_up_once_in_a_while_and_a_malformed_one_never() -> None:
    lookups = FakeLookups()
    credentials = InboundCredentials(lookups, NO_SECRETS)
    for at in (NOON, NOON + UNKNOWN_FOR - ONE_SECOND, NOON + UNKNOWN_FOR):
        with pytest.raises(Unauthenticated):
            await credentials.authenticate("junk", Source.ALERTMANAGER, BEARER, now=at)
    with pytest.raises(Unauthenticated):
        await credentials.authenticate("integration:int-1", Source.ALERTMANAGER, BEARER, now=NOON)
    assert lookups.asked == ["junk", "junk"]


async def test_a_flood_of_junk_ids_does_not_push_out_a_good_answer() -> None:
    lookups = FakeLookups(KNOWN)
    credentials = InboundCredentials(lookups, NO_SECRETS)
    await credentials.authenticate("int-1", Source.ALERTMANAGER, BEARER, now=NOON)
    for number in range(MAX_CACHED + 10):
        with pytest.raises(Unauthenticated):
            await credentials.authenticate(f"junk-{number}", Source.ALERTMANAGER, BEARER, now=NOON)
    lookups.is_down = True
    assert await credentials.authenticate("int-1", Source.ALERTMANAGER, BEARER, now=NOON + timedelta(hours=1))


async def test_a_sealed_secret_is_opened_for_its_own_integration_and_proves_a_signature() -> None:
    box = AesSecretBox(FixedKey())
    sealed = await box.seal(ACME, IntegrationId("int-1"), "shared-with-github")
    signing = a_credential(
        integration_type=IntegrationType.GITHUB, schemes=(Scheme.GITHUB,), sealed_secrets=(sealed,)
    )
    signature = f"sha256={signature_of('shared-with-github', b'{}')}"
    credentials = InboundCredentials(FakeLookups(signing), box)
    presented = Presented({"x-hub-signature-256": signature}, b"{}")
    assert await credentials.authenticate("int-1", Source.GITHUB, presented, now=NOON) == signing
    with pytest.raises(Unauthenticated):
        await credentials.authenticate("int-1", Source.PAGERDUTY, presented, now=NOON)


async def test_a_secret_sealed_for_another_integration_is_our_own_fault_and_not_the_senders() -> None:
    box = AesSecretBox(FixedKey())
    sealed = await box.seal(ACME, IntegrationId("int-2"), "s")
    signing = a_credential(schemes=(Scheme.GITHUB,), sealed_secrets=(sealed,))
    with pytest.raises(SecretUnreadable):
        await InboundCredentials(FakeLookups(signing), box).authenticate("int-1", Source.GITHUB, BEARER, now=NOON)


async def test_pages_come_in_on_the_last_known_good_when_a_new_secret_cannot_be_opened() -> None:
    box = AesSecretBox(FixedKey())
    sealed = [await box.seal(ACME, IntegrationId(owner), "s") for owner in ("int-1", "int-2")]
    signing = a_credential(
        integration_type=IntegrationType.GITHUB, schemes=(Scheme.GITHUB,), sealed_secrets=(sealed[0],)
    )
    lookups = FakeLookups(signing)
    credentials = InboundCredentials(lookups, box)
    presented = Presented({"x-hub-signature-256": f"sha256={signature_of('s', b'{}')}"}, b"{}")
    await credentials.authenticate("int-1", Source.GITHUB, presented, now=NOON)
    lookups.known["int-1"] = signing.model_copy(update={"sealed_secrets": tuple(sealed)})
    assert await credentials.authenticate("int-1", Source.GITHUB, presented, now=NOON + FRESH_FOR)


async def test_pages_come_in_on_the_last_known_good_while_the_keys_cannot_be_reached() -> None:
    keys = FixedKey()
    box = AesSecretBox(keys)
    sealed = await box.seal(ACME, IntegrationId("int-1"), "s")
    signing = a_credential(
        integration_type=IntegrationType.GITHUB, schemes=(Scheme.GITHUB,), sealed_secrets=(sealed,)
    )
    credentials = InboundCredentials(FakeLookups(signing), box)
    presented = Presented({"x-hub-signature-256": f"sha256={signature_of('s', b'{}')}"}, b"{}")
    await credentials.authenticate("int-1", Source.GITHUB, presented, now=NOON)
    keys.is_down = True
    assert await credentials.authenticate("int-1", Source.GITHUB, presented, now=NOON + timedelta(hours=1))
    with pytest.raises(KeysUnavailable):
        await InboundCredentials(FakeLookups(signing), box).authenticate("int-1", Source.GITHUB, presented, now=NOON)
