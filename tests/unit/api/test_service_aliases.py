"""The mapping of service names: one document a tenant, written by engineers, audited, never overwritten unseen."""

from functools import partial

import pytest

from shared.models.conventions import MAX_ALIASES, MAX_MAPPED, ServiceNames
from tests.builders import ACME
from tests.unit.access.issuer import GLOBEX_TID, OBJECT_ID
from tests.unit.api import asking
from tests.unit.api.serving import Served

PATH = "/service-names"
PAYMENT = {"service": "payment", "aliases": ["shop/payment", "pay-svc"]}
MAPPING = {"services": [PAYMENT]}
asked = partial(asking.asked, role="engineer")


async def test_before_the_first_is_written_there_is_an_empty_one(served: Served) -> None:
    answer = await asked(served, "GET", PATH, role="viewer")
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"v0"')
    assert answer.json() == {"services": [], "version": 0, "updated_at": None, "updated_by": None}


async def test_what_is_written_is_read_and_audited(served: Served) -> None:
    written = await asked(served, "PUT", PATH, MAPPING)
    assert (written.status_code, written.headers["ETag"]) == (200, '"v1"')
    assert (written.json()["services"], written.json()["updated_by"]) == ([PAYMENT], OBJECT_ID)
    assert (await asked(served, "GET", PATH)).json() == written.json()
    held = await served.services.records.read(ACME, ServiceNames, ServiceNames.id_for())
    assert held is not None
    (entry,) = held.value.audit_pending
    assert entry.event_type == "replace_service_names"
    assert entry.before == {"services": 0, "changed": ""}
    assert entry.after == {"services": 1, "changed": "payment: shop/payment, pay-svc"}


async def test_nobody_overwrites_what_they_have_not_seen(served: Served) -> None:
    assert (await asked(served, "PUT", PATH, MAPPING, **{"If-Match": '"v0"'})).status_code == 200
    assert (await asked(served, "PUT", PATH, {"services": []}, **{"If-Match": '"v0"'})).status_code == 412
    emptied = await asked(served, "PUT", PATH, {"services": []}, **{"If-Match": '"v1"'})
    assert (emptied.status_code, emptied.json()["services"], emptied.json()["version"]) == (200, [], 2)


async def test_a_viewer_writes_nothing_and_another_tenant_sees_nothing(served: Served) -> None:
    await asked(served, "PUT", PATH, MAPPING)
    assert (await asked(served, "PUT", PATH, MAPPING, role="viewer")).status_code == 403
    assert (await asked(served, "GET", PATH, claims={"tid": GLOBEX_TID})).json()["services"] == []


@pytest.mark.parametrize(
    "services",
    [
        [PAYMENT, {"service": "search", "aliases": ["pay-svc"]}],
        [PAYMENT, {"service": "pay-svc", "aliases": ["x"]}],
        [{"service": "payment", "aliases": ["payment"]}],
        [{"service": "payment", "aliases": []}],
        [{"service": "payment", "aliases": [f"a{number}" for number in range(MAX_ALIASES + 1)]}],
        [{"service": f"s{number}", "aliases": [f"a{number}"]} for number in range(MAX_MAPPED + 1)],
        [{"service": "pay\nment", "aliases": ["x"]}],
        [{"service": "x" * 201, "aliases": ["x"]}],
        [{"service": " ", "aliases": ["x"]}],
        [{**PAYMENT, "also": "x"}],
        "payment",
    ],
)
async def test_what_is_no_mapping_is_refused(served: Served, services: object) -> None:
    assert (await asked(served, "PUT", PATH, {"services": services})).status_code == 400
    assert (await asked(served, "GET", PATH)).json()["version"] == 0
