"""Conventions are asked for once in a quarter of an hour, and sooner for a service that is not known."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from shared.adapters.memory import services_in_memory
from shared.context.conventions import Carrier
from shared.context.finding import Conventions, conventions_of
from shared.errors import SourceUnavailable
from shared.models.base import IntegrationId, TenantId
from shared.models.conventions import MAX_NAMES, ServiceAliases, ServiceNames
from shared.models.tenants import IntegrationType
from shared.pipeline.querying import measure_service
from shared.ports.services import Services
from tests.builders import ACME, NOON, ONE_SECOND, an_integration
from tests.unit.context.fake_source import FakeSource, samples, series

PROMETHEUS = IntegrationId("int-1")
OWN, EVERY = "count by", "group by"
"""What tells the query for a service's own names from the one for every name."""
SHOP = samples(({"binding": "grpc/job", "job": "shop"}, 1))
LISTED = samples(({"binding": "grpc", "job": "prod/shop"}, 1))
NOTHING = samples()
MINUTE = timedelta(minutes=1)


async def asked(
    source: FakeSource, services: Services, *wanted: str, now: datetime = NOON, began: datetime = NOON
) -> Conventions:
    return await conventions_of(ACME, PROMETHEUS, source, services, wanted=wanted, reference=began, now=now)


async def test_a_service_known_by_its_own_name_costs_one_query_in_a_quarter_of_an_hour() -> None:
    services, source = services_in_memory(), FakeSource([(OWN, SHOP)])
    first = await asked(source, services, "shop")
    again = await asked(source, services, "shop", now=NOON + 15 * MINUTE - ONE_SECOND)
    assert again.resolution == first.resolution
    assert len(source.asked) == 1
    await asked(source, services, "shop", now=NOON + 15 * MINUTE)
    assert len(source.asked) == 2
    assert not any(EVERY in promql for promql in source.asked)


async def test_only_a_service_with_another_name_has_every_name_asked_for_and_then_kept() -> None:
    services, source = services_in_memory(), FakeSource([(OWN, NOTHING), (EVERY, LISTED)])
    found = await asked(source, services, "shop")
    assert found.resolution.places["shop"].name == "prod/shop"
    assert len(source.asked) == 2
    await asked(source, services, "shop", now=NOON + 15 * MINUTE - ONE_SECOND)
    assert len(source.asked) == 2


async def test_an_unknown_service_is_asked_for_every_minute_and_every_name_every_five() -> None:
    services, source = services_in_memory(), FakeSource([(OWN, NOTHING), (EVERY, LISTED)])
    for seconds, queries in ((0, 2), (59, 2), (60, 3), (299, 4), (360, 6)):
        await asked(source, services, "new", now=NOON + seconds * ONE_SECOND)
        assert len(source.asked) == queries, seconds


async def test_a_service_that_died_since_its_trouble_began_is_asked_for_as_of_then() -> None:
    source = FakeSource([("offset 600s", SHOP)])
    found = await asked(source, services_in_memory(), "shop", began=NOON - 10 * MINUTE)
    assert found.resolution.places["shop"].binding.name == "grpc/job"


async def test_a_service_that_has_died_is_remembered() -> None:
    services = services_in_memory()
    await asked(FakeSource([(OWN, SHOP)]), services, "shop")
    dead = FakeSource([(OWN, NOTHING)])
    for hours in (1, 2, 23):
        found = await asked(dead, services, "shop", now=NOON + 60 * hours * MINUTE)
        assert found.resolution.places["shop"].name == "shop"
    found = await asked(dead, services, "shop", now=NOON + 24 * 60 * MINUTE)
    assert found.resolution.places == {}


async def test_a_service_that_is_measured_otherwise_since_is_found_where_it_is_now() -> None:
    services = services_in_memory()
    await asked(FakeSource([(OWN, SHOP)]), services, "shop")
    moved = FakeSource([(OWN, samples(({"binding": "service_graph/server", "server": "shop"}, 1)))])
    found = await asked(moved, services, "shop", now=NOON + 15 * MINUTE)
    assert found.resolution.places["shop"].binding.name == "service_graph/server"


async def test_the_tenants_mapping_is_followed() -> None:
    services, source = services_in_memory(), FakeSource([(OWN, SHOP)])
    names = ServiceNames.none_yet(ACME, now=NOON).model_copy(
        update={"services": (ServiceAliases(service="checkout", aliases=("shop",)),)}
    )
    await services.records.create(ACME, names)
    found = await asked(source, services, "checkout")
    assert found.resolution.places["checkout"].reason == "mapped"
    assert len(source.asked) == 1


async def test_names_that_a_cut_list_lacks_stay_known() -> None:
    crowd = samples(*(({"binding": "grpc", "job": f"a{number:05}"}, 1.0) for number in range(MAX_NAMES + 1)))
    source = FakeSource([(OWN, samples(({"binding": "grpc/job", "job": "zebra"}, 1))), (EVERY, crowd)])
    found = await asked(source, services_in_memory(), "zebra", "A00001")
    assert {name: place.reason for name, place in found.resolution.places.items()} == {
        "zebra": "exact",
        "A00001": "folded",
    }
    assert found.warnings == ("Prometheus has more names of services than are kept (grpc)",)


async def test_limits_are_known_with_the_services() -> None:
    own = samples(
        ({"binding": "grpc/job", "job": "shop"}, 1), ({"binding": "deployments/deployment", "deployment": "shop"}, 1)
    )
    known = await asked(FakeSource([(OWN, own)]), services_in_memory(), "shop")
    assert known.subjects(["shop"]) == {
        (Carrier.DEPLOYMENT, ""): {"shop": "shop"},
        (Carrier.POD, ""): {"shop": "shop"},
    }


async def test_a_source_that_fails_is_told_and_what_was_known_stays() -> None:
    services = services_in_memory()
    await asked(FakeSource([(OWN, SHOP)]), services, "shop")
    failing = FakeSource([(OWN, SourceUnavailable("slow", reason="timeout"))])
    with pytest.raises(SourceUnavailable):
        await asked(failing, services, "shop", now=NOON + 20 * MINUTE)
    held = await services.conventions.detected(ACME, PROMETHEUS)
    assert held is not None
    assert held.updated_at == NOON


async def test_a_list_with_a_part_missing_is_none() -> None:
    services, source = services_in_memory(), FakeSource([(OWN, NOTHING), (EVERY, replace(LISTED, is_partial=True))])
    found = await asked(source, services, "shop")
    assert "shop" not in found.resolution.places
    assert "the names of services could not be listed: partial_answer" in found.warnings
    kept = await services.conventions.detected(ACME, PROMETHEUS)
    assert kept is not None
    assert kept.found == {}


async def test_what_goes_by_its_own_name_is_found_although_names_could_not_be_listed() -> None:
    services = services_in_memory()
    source = FakeSource([(OWN, SHOP), (EVERY, SourceUnavailable("slow", reason="timeout"))])
    found = await asked(source, services, "shop", "else")
    assert set(found.resolution.places) == {"shop"}
    assert found.warnings == ("the names of services could not be listed: timeout",)
    await asked(source, services, "shop", "else", now=NOON + 4 * MINUTE)
    assert sum(EVERY in promql for promql in source.asked) == 1


class One:
    """A tenant's Prometheus."""

    def __init__(self, source: FakeSource) -> None:
        self._source = source

    async def of_tenant(self, tenant_id: TenantId) -> FakeSource:
        return self._source


async def test_a_services_key_metrics_are_found_under_its_other_name() -> None:
    rate = series([{"job": "prod/shop"}], [1.0], lambda _: 2.0)
    source = FakeSource([(OWN, NOTHING), ("label_replace(group by (service", LISTED), ("rate(grpc", rate)])
    services = replace(services_in_memory(), metrics=One(source))
    prometheus = an_integration(integration_type=IntegrationType.PROMETHEUS, config="sealed")
    await services.records.create(ACME, prometheus)
    found = await measure_service(ACME, "shop", services, end=NOON, span_seconds=3600, now=NOON)
    assert (found.service, found.convention) == ("shop", "grpc/job")
    assert found.metrics[0].points == ((1.0, 2.0),)
    assert await services.conventions.detected(ACME, IntegrationId(prometheus.id)) is not None


async def test_without_an_integration_of_its_own_a_service_is_looked_for_by_its_own_name() -> None:
    services = replace(services_in_memory(), metrics=One(FakeSource([(OWN, SHOP)])))
    found = await measure_service(ACME, "shop", services, end=NOON, span_seconds=3600, now=NOON)
    assert found.convention == "grpc/job"
