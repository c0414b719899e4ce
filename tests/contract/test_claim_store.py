"""What every ClaimStore promises."""

import uuid
from collections.abc import Callable

import pytest

from shared.adapters.cosmos.stores import CosmosClaims
from shared.adapters.memory import MemoryClaims
from shared.errors import AlreadyExists, Conflict, StoreRejected
from shared.models.base import IncidentId, TenantId
from shared.models.claims import ClaimState, EpisodeClaim, OpenIncidentClaim
from shared.ports.stores import ClaimStore
from shared.signals.claims import new_claim
from tests.builders import NOON, an_alert, an_arrival
from tests.contract.conftest import BACKENDS


@pytest.fixture(params=BACKENDS)
def claims(request: pytest.FixtureRequest) -> ClaimStore:
    if request.param == "memory":
        return MemoryClaims()
    return CosmosClaims(request.getfixturevalue("database"))


@pytest.fixture
def tenant() -> TenantId:
    return TenantId(f"ten-{uuid.uuid4().hex[:12]}")


@pytest.fixture
def claim(tenant: TenantId) -> Callable[..., EpisodeClaim]:
    def build(fingerprint: str = "f") -> EpisodeClaim:
        arrival = an_arrival(an_alert(fingerprint=fingerprint))
        return new_claim(arrival, IncidentId("inc-1"), now=NOON, tenant_id=tenant)

    return build


def an_open(tenant: TenantId, incident: str = "inc-1") -> OpenIncidentClaim:
    return OpenIncidentClaim(
        id=OpenIncidentClaim.id_for("payment"),
        tenant_id=tenant,
        service_name="payment",
        incident_id=IncidentId(incident),
        created_at=NOON,
    )


async def test_a_claim_is_taken_once(
    claims: ClaimStore, tenant: TenantId, claim: Callable[..., EpisodeClaim]
) -> None:
    await claims.create(tenant, claim())
    with pytest.raises(AlreadyExists):
        await claims.create(tenant, claim())


async def test_claims_are_found_by_id_and_missing_ones_are_left_out(
    claims: ClaimStore, tenant: TenantId, claim: Callable[..., EpisodeClaim]
) -> None:
    first, second = claim("a"), claim("b")
    await claims.create(tenant, first)
    etag = await claims.create(tenant, second)
    found = await claims.episodes(tenant, [first.id, second.id, "episode-none"])
    assert {key: held.value for key, held in found.items()} == {first.id: first, second.id: second}
    assert found[second.id].etag == etag


async def test_a_claim_moves_on_only_under_its_etag(
    claims: ClaimStore, tenant: TenantId, claim: Callable[..., EpisodeClaim]
) -> None:
    taken = claim()
    etag = await claims.create(tenant, taken)
    done = taken.model_copy(update={"state": ClaimState.RECORDED})
    newer = await claims.replace(tenant, done, etag)
    with pytest.raises(Conflict):
        await claims.replace(tenant, taken, etag)
    found = (await claims.episodes(tenant, [taken.id]))[taken.id]
    assert (found.value.state, found.etag) == (ClaimState.RECORDED, newer)


async def test_a_claim_that_is_not_there_cannot_be_replaced(
    claims: ClaimStore, tenant: TenantId, claim: Callable[..., EpisodeClaim]
) -> None:
    with pytest.raises(Conflict):
        await claims.replace(tenant, claim(), '"0"')


async def test_the_open_incident_of_a_service_is_one_claim_that_can_be_pointed_elsewhere(
    claims: ClaimStore, tenant: TenantId
) -> None:
    assert await claims.open_incident(tenant, "payment") is None
    etag = await claims.create(tenant, an_open(tenant))
    await claims.replace(tenant, an_open(tenant, "inc-2"), etag)
    held = await claims.open_incident(tenant, "payment")
    assert held is not None
    assert held.value.incident_id == "inc-2"


async def test_another_tenant_sees_and_takes_nothing(
    claims: ClaimStore, tenant: TenantId, claim: Callable[..., EpisodeClaim]
) -> None:
    other = TenantId(f"{tenant}-other")
    await claims.create(tenant, claim())
    await claims.create(tenant, an_open(tenant))
    assert await claims.episodes(other, [claim().id]) == {}
    assert await claims.open_incident(other, "payment") is None
    with pytest.raises(StoreRejected):
        await claims.create(other, claim())


async def test_the_same_claim_under_two_tenants_is_two_claims(
    claims: ClaimStore, tenant: TenantId, claim: Callable[..., EpisodeClaim]
) -> None:
    other = TenantId(f"{tenant}-other")
    theirs = claim().model_copy(update={"tenant_id": other, "incident_id": IncidentId("inc-theirs")})
    await claims.create(tenant, claim())
    etag = await claims.create(other, theirs)
    await claims.replace(other, theirs.model_copy(update={"state": ClaimState.RECORDED}), etag)
    assert (await claims.episodes(tenant, [claim().id]))[claim().id].value == claim()
    assert (await claims.episodes(other, [claim().id]))[claim().id].value.incident_id == "inc-theirs"


async def test_the_claim_on_an_open_incident_is_no_episode(claims: ClaimStore, tenant: TenantId) -> None:
    await claims.create(tenant, an_open(tenant))
    assert await claims.episodes(tenant, [OpenIncidentClaim.id_for("payment"), "..", "a/b", ""]) == {}
