"""A secret is replaced without a moment in which no page would come in."""

import pytest

from tests.unit.api.connecting import accepts, asked, connected, made

GIVEN = "another-secret-of-the-sender"


@pytest.mark.parametrize("kind", ["alertmanager", "grafana", "github"])
async def test_a_secret_is_replaced_without_losing_a_page(kind: str) -> None:
    served = await connected()
    answer = await made(served, kind)
    integration_id, first = answer["integration"]["id"], answer["secret"]
    path = f"/integrations/{integration_id}/secrets"
    second = (await asked(served, "POST", path, {})).json()["secret"]
    assert first["secret"] != second["secret"]
    assert all([await accepts(served.services, kind, integration_id, one["secret"]) for one in (first, second)])
    listed = (await asked(served, "GET", path)).json()["items"]
    assert [sorted(one) for one in listed] == [["created_at", "id"], ["created_at", "id"]]
    assert [one["id"] for one in listed] == [first["id"], second["id"]]
    assert (await asked(served, "DELETE", f"{path}/{first['id']}")).status_code == 204
    assert not await accepts(served.services, kind, integration_id, first["secret"])
    assert await accepts(served.services, kind, integration_id, second["secret"])


async def test_a_third_secret_and_the_removal_of_the_last_are_refused() -> None:
    served = await connected()
    answer = await made(served, "generic")
    path = f"/integrations/{answer['integration']['id']}/secrets"
    last = await asked(served, "DELETE", f"{path}/{answer['secret']['id']}")
    assert (last.status_code, "last secret" in last.json()["detail"]) == (409, True)
    assert (await asked(served, "POST", path, {})).status_code == 201
    third = await asked(served, "POST", path, {})
    assert (third.status_code, "secrets are good already" in third.json()["detail"]) == (409, True)
    assert await accepts(served.services, "generic", answer["integration"]["id"], answer["secret"]["secret"])


async def test_what_a_new_secret_is_pasted_into_comes_with_it() -> None:
    served = await connected()
    path = f"/integrations/{(await made(served, 'alertmanager'))['integration']['id']}/secrets"
    answer = (await asked(served, "POST", path, {})).json()
    assert answer["secret"]["secret"] in answer["set_up"][0]["text"]


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("generic", {"secret": GIVEN}, 400),
        ("grafana", {"secret": GIVEN}, 400),
        ("pagerduty", {}, 400),
        ("pagerduty", {"secret": "short"}, 400),
        ("pagerduty", {"secret": "with a blank in the middle"}, 400),
        ("github", {"secret": GIVEN}, 201),
        ("pagerduty", {"secret": GIVEN}, 201),
    ],
)
async def test_only_senders_that_have_secrets_of_their_own_are_given_one(
    kind: str, body: dict[str, str], status: int
) -> None:
    served = await connected()
    answer = await made(served, kind)
    told = await asked(served, "POST", f"/integrations/{answer['integration']['id']}/secrets", body)
    assert told.status_code == status, told.text


async def test_what_receives_nothing_has_no_secrets() -> None:
    served = await connected()
    answer = await made(served, "prometheus", connection={"url": "https://prom.example.com"})
    path = f"/integrations/{answer['integration']['id']}/secrets"
    assert (await asked(served, "GET", path)).json() == {"items": [], "cursor": None}
    assert (await asked(served, "POST", path, {})).status_code == 409


async def test_an_unknown_secret_is_not_there() -> None:
    served = await connected()
    path = f"/integrations/{(await made(served, 'generic'))['integration']['id']}/secrets"
    assert (await asked(served, "DELETE", f"{path}/sec-nothing")).status_code == 404
