"""The edge of the API: one shape for every error, headers on every answer, and nothing of ours leaks."""

import json
import logging
from typing import Any

import azure.functions as func
import pytest

from shared.adapters.entra import EntraKeys
from shared.errors import CopilotError, QueueUnavailable, StoreRejected, StoreUnavailable
from tests.unit.access.issuer import AUTHORITY, a_token
from tests.unit.api.serving import INCIDENT, Served, bearer

SECRET = "payload-of-a-customer"


class Failing:
    """A store whose every call fails in one way."""

    def __init__(self, failure: Exception) -> None:
        self.failure = failure

    async def read(self, *_: object) -> Any:
        raise self.failure


async def asked(served: Served, path: str, method: str = "GET") -> Any:
    async with served.client() as client:
        return await client.request(method, path)


def that_fails(served: Served, failure: Exception) -> Served:
    return served.without(incidents=Failing(failure))


@pytest.mark.parametrize(
    ("path", "method", "status", "kind"),
    [
        ("/nowhere", "GET", 404, "not-found"),
        ("", "GET", 404, "not-found"),
        ("/incidents/", "GET", 404, "not-found"),
        ("/docs/assets/../../app.py", "GET", 404, "not-found"),
        ("/docs/assets/none.js", "GET", 404, "not-found"),
        ("/incidents", "DELETE", 405, "method-not-allowed"),
        (f"/incidents/{INCIDENT}", "POST", 405, "method-not-allowed"),
        ("/incidents?limit=0", "GET", 400, "bad-request"),
    ],
)
async def test_every_error_is_a_problem(served: Served, path: str, method: str, status: int, kind: str) -> None:
    answer = await asked(served, path, method)
    problem = answer.json()
    assert (answer.status_code, problem["status"]) == (status, status)
    assert (answer.headers["Content-Type"], problem["type"]) == (
        "application/problem+json",
        f"urn:sre-copilot:problem:{kind}",
    )
    assert problem["request_id"] == answer.headers["X-Request-Id"]


async def test_a_405_names_the_methods_that_there_are(served: Served) -> None:
    assert (await asked(served, "/incidents", "DELETE")).headers["Allow"] == "GET"


async def test_a_path_is_not_redirected_to_where_the_host_header_says(served: Served) -> None:
    async with served.client(headers={**bearer(a_token()), "Host": "evil.test"}) as client:
        answer = await client.get("/incidents/")
    assert (answer.status_code, "location" in answer.headers) == (404, False)


@pytest.mark.parametrize("failure", [StoreUnavailable(SECRET), QueueUnavailable(SECRET)])
async def test_what_may_pass_is_503_with_when_to_try_again(served: Served, failure: CopilotError) -> None:
    answer = await asked(that_fails(served, failure), f"/incidents/{INCIDENT}")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert SECRET not in answer.text


@pytest.mark.parametrize("failure", [ValueError(SECRET), StoreRejected(SECRET), KeyError(SECRET)])
async def test_a_bug_is_500_with_an_id_and_nothing_else(served: Served, failure: Exception) -> None:
    answer = await asked(that_fails(served, failure), f"/incidents/{INCIDENT}")
    assert answer.json() == {
        "type": "urn:sre-copilot:problem:internal-error",
        "title": "Internal error",
        "status": 500,
        "request_id": answer.headers["X-Request-Id"],
    }


async def test_a_bug_is_logged_with_its_id_and_place_but_without_its_text(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        answer = await asked(that_fails(served, ValueError(SECRET)), f"/incidents/{INCIDENT}")
    (record,) = [one for one in caplog.records if getattr(one, "event", "") == "api_failed"]
    logged = vars(record)
    assert (logged["request_id"], logged["bug"]) == (answer.headers["X-Request-Id"], "ValueError")
    assert logged["where"].startswith("test_boundary.py:")
    assert SECRET not in caplog.text


async def test_a_refusal_is_logged_with_its_reason_but_without_the_token(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    token = a_token(signed_with="forger")
    with caplog.at_level(logging.DEBUG):
        async with served.client(headers=bearer(token)) as client:
            answer = await client.get("/me")
    (record,) = [one for one in caplog.records if getattr(one, "event", "") == "api_refused"]
    assert (vars(record)["reason"], vars(record)["request_id"]) == (
        "token_invalid",
        answer.headers["X-Request-Id"],
    )
    assert token not in caplog.text


@pytest.mark.parametrize("path", ["/me", "/incidents", "/nowhere", "/openapi.json", "/docs/assets/swagger-ui.css"])
async def test_every_answer_has_the_security_headers(served: Served, path: str) -> None:
    headers = (await asked(served, path)).headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Strict-Transport-Security"] == "max-age=31536000"
    assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"


async def test_a_bug_has_the_security_headers_too(served: Served) -> None:
    answer = await asked(that_fails(served, ValueError()), f"/incidents/{INCIDENT}")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (500, "no-store")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_each_request_has_its_own_id(served: Served) -> None:
    async with served.client() as client:
        ids = {(await client.get("/me")).headers["X-Request-Id"] for _ in range(3)}
    assert len(ids) == 3


async def through_the_function(served: Served, path: str) -> func.HttpResponse:
    """As the HTTP function hands a request over, where an exception would become the host's own empty answer."""
    keys = EntraKeys(AUTHORITY, served.endpoint.client(), clock=served.clock)
    request = func.HttpRequest(
        method="GET", url=f"http://127.0.0.1/api/v1{path}", headers=bearer(a_token()), body=b""
    )
    answer = await func.AsgiMiddleware(served.app(keys)).handle_async(request)
    await keys.aclose()
    return answer


async def test_the_function_answers_as_the_app_does(served: Served) -> None:
    answer = await through_the_function(served, f"/incidents/{INCIDENT}")
    assert (answer.status_code, json.loads(answer.get_body())["id"]) == (200, INCIDENT)
    assert answer.headers["Cache-Control"] == "no-store"


async def test_a_bug_behind_the_function_is_a_problem_and_no_exception(served: Served) -> None:
    answer = await through_the_function(that_fails(served, ValueError(SECRET)), f"/incidents/{INCIDENT}")
    assert (answer.status_code, answer.mimetype) == (500, "application/problem+json")


async def test_the_function_serves_the_assets_of_the_docs_page(served: Served) -> None:
    answer = await through_the_function(served, "/docs/assets/swagger-ui-bundle.js")
    assert (answer.status_code, len(answer.get_body()) > 100_000) == (200, True)
