"""Pages of other origins: those that are named may call, exactly those, and nobody else learns anything."""

import httpx
import pytest

from shared.api.cors import NotAnOrigin, exact_origins
from shared.api.options import ApiOptions
from shared.errors import StoreUnavailable
from tests.unit.access.issuer import a_token
from tests.unit.api.serving import Served, bearer
from tests.unit.api.test_boundary import Failing

OURS = "https://app.example.com"
FOREIGN = [
    "https://evil.example",
    "https://app.example.com.evil.example",
    "https://evilapp.example.com",
    "https://app.example.com:8443",
    "http://app.example.com",
    "HTTPS://APP.EXAMPLE.COM",
    "null",
    "*",
    "",
]


@pytest.fixture
def open_to_ours(served: Served) -> Served:
    served.options = ApiOptions(cors_origins=(OURS,))
    return served


async def asked(served: Served, origin: str, **headers: str) -> httpx.Response:
    async with served.client() as client:
        return await client.get("/me", headers={"Origin": origin, **headers})


async def preflight(
    served: Served, origin: str, *, method: str = "POST", headers: str = "authorization"
) -> httpx.Response:
    asking = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers, "Origin": origin}
    async with served.client(headers=asking) as client:
        return await client.options("/me")


def cors_of(answer: httpx.Response) -> set[str]:
    return {name for name in answer.headers if name.startswith("access-control-")}


async def test_a_page_of_a_named_origin_may_read_the_answer(open_to_ours: Served) -> None:
    answer = await asked(open_to_ours, OURS)
    assert answer.headers["Access-Control-Allow-Origin"] == OURS
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    assert "ETag" in answer.headers["Access-Control-Expose-Headers"]
    assert answer.headers["Vary"] == "Origin"


@pytest.mark.parametrize("origin", FOREIGN)
async def test_a_page_of_any_other_origin_may_not(open_to_ours: Served, origin: str) -> None:
    answer = await asked(open_to_ours, origin)
    assert (cors_of(answer), answer.headers["Vary"]) == (set(), "Origin")


async def test_a_request_without_an_origin_still_varies_by_it(open_to_ours: Served) -> None:
    async with open_to_ours.client() as client:
        assert (await client.get("/me")).headers["Vary"] == "Origin"


async def test_a_preflight_of_a_named_origin_says_what_is_allowed(open_to_ours: Served) -> None:
    answer = await preflight(open_to_ours, OURS, method="PATCH", headers="authorization, if-match, idempotency-key")
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (200, OURS)
    assert "PATCH" in answer.headers["Access-Control-Allow-Methods"]
    assert "*" not in str(answer.headers)
    assert "Origin" in answer.headers["Vary"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("origin", FOREIGN)
async def test_a_preflight_of_any_other_origin_is_a_problem_that_tells_nothing(
    open_to_ours: Served, origin: str
) -> None:
    answer = await preflight(open_to_ours, origin)
    assert (answer.status_code, answer.headers["Content-Type"]) == (403, "application/problem+json")
    assert cors_of(answer) == set()


@pytest.mark.parametrize(("method", "headers"), [("TRACE", "authorization"), ("POST", "x-tenant-id")])
async def test_a_preflight_for_what_we_do_not_take_is_refused(
    open_to_ours: Served, method: str, headers: str
) -> None:
    answer = await preflight(open_to_ours, OURS, method=method, headers=headers)
    assert (answer.status_code, cors_of(answer)) == (403, set())


@pytest.mark.parametrize("origin", [OURS, *FOREIGN])
async def test_without_configuration_no_origin_may(served: Served, origin: str) -> None:
    assert cors_of(await asked(served, origin)) == set()
    answer = await preflight(served, origin)
    assert (answer.status_code, cors_of(answer)) == (405, set())


@pytest.mark.parametrize(
    ("failure", "status"), [(StoreUnavailable("down"), 503), (ValueError("a bug"), 500)], ids=["refusal", "bug"]
)
async def test_a_page_of_a_named_origin_may_also_read_our_errors(
    open_to_ours: Served, failure: Exception, status: int
) -> None:
    failing = open_to_ours.without(incidents=Failing(failure))
    async with failing.client(headers={**bearer(a_token()), "Origin": OURS}) as client:
        answer = await client.get("/incidents/inc-" + "0" * 24)
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (status, OURS)


def test_origins_are_read_from_a_list() -> None:
    assert exact_origins("https://a.example, http://localhost:5173,") == (
        "https://a.example",
        "http://localhost:5173",
    )
    assert exact_origins("") == ()


@pytest.mark.parametrize(
    "listed",
    [
        "*",
        "null",
        "https://*.example.com",
        "https://a.example/",
        "https://a.example/path",
        "http://a.example",
        "https://user@a.example",
        "https://A.example",
        "a.example",
        "https://a.example https://b.example",
        "https://a.example\n",
    ],
)
def test_what_is_no_exact_origin_stops_the_app(listed: str) -> None:
    with pytest.raises(NotAnOrigin):
        exact_origins(f"https://a.example,{listed}x" if listed.endswith("\n") else listed)
