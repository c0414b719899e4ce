"""What a page of the list costs: as many documents as it answers with, however many incidents there are."""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dev.cosmos import charges
from dev.cosmos.catalog import Catalog, Container
from dev.cosmos.http import Request
from dev.cosmos.items import Items
from dev.cosmos.partition_keys import of_header
from dev.cosmos.queries import QueryPage, query_page
from dev.cosmos.storage import Storage
from shared.adapters.cosmos.containers import BY_NAME
from shared.adapters.incident_pages import cursor_after, question
from shared.models.base import IncidentId, TenantId
from shared.models.incidents import IncidentState, IncidentSummary
from shared.models.signals import Severity
from shared.ports.listing import NOBODY, PLAIN, IncidentOrder, IncidentQuery
from tests.builders import NOON, ONE_SECOND, a_summary

TENANT = TenantId(f"ten-{uuid.uuid4().hex[:12]}")
SIZE = 25
QUESTIONS = [
    PLAIN,
    IncidentQuery(order=IncidentOrder.UPDATED),
    IncidentQuery(order=IncidentOrder.SEVERITY),
    IncidentQuery(states=frozenset({IncidentState.DETECTED, IncidentState.RESOLVED}), assignee=NOBODY),
    IncidentQuery(order=IncidentOrder.SEVERITY, service="payment", is_open=True),
    IncidentQuery(order=IncidentOrder.UPDATED, detected_from=NOON, severities=frozenset({Severity.INFO})),
]


class Listed:
    """The stand-in's container with so many summaries, one in ten of them merged away."""

    def __init__(self, folder: Path, count: int) -> None:
        storage = Storage(folder)
        catalog = Catalog(storage)
        spec = BY_NAME["incident_list"]
        catalog.create_database({"id": "d"})
        body: dict[str, Any] = {
            "id": spec.name,
            "partitionKey": {"paths": list(spec.partition_key_paths), "kind": "Hash", "version": 2},
            "indexingPolicy": spec.indexing_policy,
        }
        self.container: Container = catalog.create_container(catalog.database("d"), body)
        self.items = Items(storage, self.container, NOON.timestamp)
        key = of_header(json.dumps([TENANT]), self.container.key)
        assert key is not None
        with storage.transaction():
            for number in range(count):
                self.items.create(key, the_summary(number).to_stored())

    def page(self, query: IncidentQuery, cursor: str | None = None) -> QueryPage:
        """What the adapter's query for one page is answered with."""
        text, parameters = question(query, cursor)
        named = [{"name": f"@{name}", "value": value} for name, value in parameters.items()]
        headers = {"x-ms-documentdb-partitionkey": json.dumps([TENANT]), "x-ms-max-item-count": str(SIZE + 1)}
        content = json.dumps({"query": text, "parameters": named}).encode()
        return query_page(Request("POST", (), headers, content), self.container, self.items, strict=True)


def the_summary(number: int) -> IncidentSummary:
    return a_summary(
        tenant_id=TENANT,
        incident_id=IncidentId(f"inc-{number:05}"),
        state=list(IncidentState)[number % 7],
        severity=list(Severity)[number % 3],
        detected_at=NOON + number * ONE_SECOND,
        updated_at=NOON + (number * 7919 % 10007) * ONE_SECOND,
        merged_into=IncidentId("inc-00000") if number % 10 == 9 else None,
    )


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Listed]:
    return Listed(tmp_path_factory.mktemp("many"), 1500)


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Listed:
    return Listed(tmp_path_factory.mktemp("few"), 150)


@pytest.mark.parametrize("query", QUESTIONS)
def test_a_page_costs_the_same_however_many_incidents_there_are(
    many: Listed, few: Listed, query: IncidentQuery
) -> None:
    large, small = many.page(query), few.page(query)
    assert len(large.documents) == len(small.documents) == SIZE + 1
    assert large.charge <= 1.3 * small.charge
    size = sum(len(json.dumps(one)) for one in large.documents)
    # The page, one to tell whether there is more, and one by which the stand-in tells the same.
    assert large.charge <= charges.query(documents=SIZE + 2, size=size)
    last = IncidentSummary.from_stored(large.documents[SIZE - 1])
    following = many.page(query, cursor_after(last, query))
    assert following.charge <= 1.1 * large.charge
    assert following.documents[0]["id"] == large.documents[SIZE]["id"]
