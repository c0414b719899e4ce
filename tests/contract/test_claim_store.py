"""What every ClaimStore promises."""

import uuid
from collections.abc import Callable

import pytest

from shared.access.idempotency import first_claim
from shared.adapters.cosmos.claims import CosmosClaims
from shared.adapters.memory import MemoryClaims
from shared.errors import AlreadyExists, Conflict, StoreRejected
from shared.models.base import IncidentId, TenantId
from shared.models.claims import EpisodeClaim, OpenIncidentClaim, ServiceRoster
from shared.models.requests import RequestClaim
from shared.ports.stores import ClaimStore, Versioned
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


@pytest.mark.parametrize("count", [1, 2, 105])
async def test_claims_are_taken_together_and_those_that_others_hold_are_returned_as_they_stand(
    claims: ClaimStore, tenant: TenantId, claim: Callable[..., EpisodeClaim], count: int
) -> None:
    theirs = claim("0").model_copy(update={"incident_id": IncidentId("inc-theirs")})
    wanted = [claim(str(number)) for number in range(count)]
    etag = await claims.create(tenant, theirs)
    taken = await claims.take(tenant, wanted)
    assert taken[theirs.id] == Versioned(theirs, etag)
    assert {one.id: one for one in wanted[1:]} == {key: held.value for key, held in taken.items() if key != theirs.id}
    assert await claims.episodes(tenant, [one.id for one in wanted]) == taken


async def test_claims_that_nobody_holds_are_taken_with_the_etags_they_can_be_replaced_under(
    claims: ClaimStore, tenant: TenantId, claim: Callable[..., EpisodeClaim]
) -> None:
    taken = await claims.take(tenant, [claim(str(number)) for number in range(5)])
    for held in taken.values():
        await claims.replace(tenant, held.value.model_copy(update={"generation": 2}), held.etag)


async def test_the_roster_of_services_is_kept_under_its_etag(claims: ClaimStore, tenant: TenantId) -> None:
    assert await claims.roster(tenant) is None
    roster = ServiceRoster(id=ServiceRoster.id_for(), tenant_id=tenant, services=("payment",))
    etag = await claims.create(tenant, roster)
    assert await claims.roster(tenant) == Versioned(roster, etag)
    with pytest.raises(AlreadyExists):
        await claims.create(tenant, roster)


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
    done = taken.model_copy(update={"generation": 2})
    newer = await claims.replace(tenant, done, etag)
    with pytest.raises(Conflict):
        await claims.replace(tenant, taken, etag)
    found = (await claims.episodes(tenant, [taken.id]))[taken.id]
    assert (found.value.generation, found.etag) == (2, newer)


async def test_a_claim_that_is_not_there_cannot_be_replaced(
    claims: ClaimStore, tenant: TenantId, claim: Callable[..., EpisodeClaim]
) -> None:
    with pytest.raises(Conflict):
        await claims.replace(tenant, claim(), '"0"')


async def test_the_open_incident_of_a_service_is_one_claim_that_can_be_pointed_elsewhere(
    claims: ClaimStore, tenant: TenantId
) -> None:
    assert await claims.open_incidents(tenant, ["payment"]) == {}
    etag = await claims.create(tenant, an_open(tenant))
    await claims.replace(tenant, an_open(tenant, "inc-2"), etag)
    held = await claims.open_incidents(tenant, ["checkout", "payment", "a", "b"])
    assert {name: one.value.incident_id for name, one in held.items()} == {"payment": "inc-2"}


async def test_another_tenant_sees_and_takes_nothing(
    claims: ClaimStore, tenant: TenantId, claim: Callable[..., EpisodeClaim]
) -> None:
    other = TenantId(f"{tenant}-other")
    await claims.create(tenant, claim())
    await claims.create(tenant, an_open(tenant))
    assert await claims.episodes(other, [claim().id]) == {}
    assert await claims.open_incidents(other, ["payment"]) == {}
    with pytest.raises(StoreRejected):
        await claims.create(other, claim())


async def test_the_same_claim_under_two_tenants_is_two_claims(
    claims: ClaimStore, tenant: TenantId, claim: Callable[..., EpisodeClaim]
) -> None:
    other = TenantId(f"{tenant}-other")
    theirs = claim().model_copy(update={"tenant_id": other, "incident_id": IncidentId("inc-theirs")})
    await claims.create(tenant, claim())
    etag = await claims.create(other, theirs)
    await claims.replace(other, theirs.model_copy(update={"generation": 2}), etag)
    assert (await claims.episodes(tenant, [claim().id]))[claim().id].value == claim()
    assert (await claims.episodes(other, [claim().id]))[claim().id].value.incident_id == "inc-theirs"


async def test_the_claim_on_an_open_incident_is_no_episode(claims: ClaimStore, tenant: TenantId) -> None:
    await claims.create(tenant, an_open(tenant))
    assert await claims.episodes(tenant, [OpenIncidentClaim.id_for("payment"), "..", "a/b", ""]) == {}


async def test_what_is_kept_of_a_request_is_found_by_its_key_alone(claims: ClaimStore, tenant: TenantId) -> None:
    claim_id = RequestClaim.id_for("dana", "add_note", "key-1")
    begun = first_claim(tenant, claim_id, "mark", now=NOON)
    assert await claims.request(tenant, claim_id) is None
    etag = await claims.create(tenant, begun)
    with pytest.raises(AlreadyExists):
        await claims.create(tenant, begun)
    done = begun.done(201, {"etag": '"v2"'}, "{}")
    await claims.replace(tenant, done, etag)
    with pytest.raises(Conflict):
        await claims.replace(tenant, begun.failed(), etag)
    held = await claims.request(tenant, claim_id)
    assert held is not None
    assert held.value == done
    assert await claims.request(TenantId(f"{tenant}-other"), claim_id) is None
    await claims.create(tenant, an_open(tenant))
    assert await claims.request(tenant, OpenIncidentClaim.id_for("payment")) is None
