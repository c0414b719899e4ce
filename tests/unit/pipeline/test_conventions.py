"""Conventions are asked for once in a quarter of an hour, and again for a service that is not known."""

from datetime import datetime, timedelta

import pytest

from shared.adapters.memory import services_in_memory
from shared.errors import SourceUnavailable
from shared.models.base import IntegrationId
from shared.models.conventions import MAX_NAMES, ServiceAliases, ServiceNames
from shared.pipeline.conventions import Conventions, conventions_of
from shared.ports.services import Services
from tests.builders import ACME, NOON, ONE_SECOND
from tests.unit.context.fake_source import FakeSource, samples

PROMETHEUS = IntegrationId("int-1")
SHOP = samples(({"binding": "grpc", "job": "shop"}, 1))
NOTHING = samples()
MINUTE = timedelta(minutes=1)


async def asked(
    source: FakeSource, services: Services, *wanted: str, now: datetime = NOON, began: datetime = NOON
) -> Conventions:
    return await conventions_of(ACME, PROMETHEUS, source, services, wanted=wanted, reference=began, now=now)


async def test_what_was_detected_serves_for_a_quarter_of_an_hour() -> None:
    services, source = services_in_memory(), FakeSource([("group by", SHOP)])
    first = await asked(source, services, "shop")
    again = await asked(source, services, "shop", now=NOON + 15 * MINUTE - ONE_SECOND)
    assert again.resolution == first.resolution
    assert len(source.asked) == 1
    await asked(source, services, "shop", now=NOON + 15 * MINUTE)
    assert len(source.asked) == 2


async def test_for_an_unknown_service_it_asks_again_but_not_all_the_time() -> None:
    services, source = services_in_memory(), FakeSource([("group by", SHOP)])
    await asked(source, services, "new")
    await asked(source, services, "new", now=NOON + MINUTE - ONE_SECOND)
    assert len(source.asked) == 1
    await asked(source, services, "new", now=NOON + MINUTE)
    assert len(source.asked) == 2


async def test_a_service_that_died_since_its_trouble_began_is_asked_for_as_of_then() -> None:
    source = FakeSource([("offset 600s", SHOP)])
    found = await asked(source, services_in_memory(), "shop", began=NOON - 10 * MINUTE)
    assert found.resolution.places["shop"].binding.name == "grpc/job"


async def test_a_service_that_has_died_is_remembered() -> None:
    services = services_in_memory()
    await asked(FakeSource([("group by", SHOP)]), services, "shop")
    found = await asked(FakeSource([("group by", NOTHING)]), services, "shop", now=NOON + 60 * MINUTE)
    assert found.resolution.places["shop"].name == "shop"


async def test_the_tenants_mapping_is_followed() -> None:
    services = services_in_memory()
    names = ServiceNames.none_yet(ACME, now=NOON).model_copy(
        update={"services": (ServiceAliases(service="checkout", aliases=("shop",)),)}
    )
    await services.records.create(ACME, names)
    found = await asked(FakeSource([("group by", SHOP)]), services, "checkout")
    assert found.resolution.places["checkout"].reason == "mapped"


async def test_among_too_many_names_the_wanted_are_asked_for_by_themselves() -> None:
    crowd = samples(*(({"binding": "grpc", "job": f"a{number:05}"}, 1.0) for number in range(MAX_NAMES + 1)))
    own = samples(({"binding": "grpc/job", "job": "zebra"}, 1))
    source = FakeSource([("group by", crowd), ("count by", own)])
    found = await asked(source, services_in_memory(), "zebra", "a00000")
    assert set(found.resolution.places) == {"zebra", "a00000"}
    assert len(source.asked) == 2
    assert "a00000" not in source.asked[1]
    assert found.warnings == ("Prometheus has more names of services than are kept (grpc)",)


async def test_a_source_that_fails_is_told_and_what_was_known_stays() -> None:
    services = services_in_memory()
    await asked(FakeSource([("group by", SHOP)]), services, "shop")
    failing = FakeSource([("group by", SourceUnavailable("slow", reason="timeout"))])
    with pytest.raises(SourceUnavailable):
        await asked(failing, services, "shop", now=NOON + 20 * MINUTE)
    held = await services.conventions.detected(ACME, PROMETHEUS)
    assert held is not None
    assert held.asked_at == NOON
