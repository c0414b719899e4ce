"""A path that is no text must not fail before anything of ours runs."""

import azure.functions as func
import pytest
from azure.functions._http_asgi import AsgiRequest

from functions.addresses import readable

BASE = "https://copilot.example/api/v1/incidents"


def a_request(path: str) -> func.HttpRequest:
    return func.HttpRequest(
        "POST", f"{BASE}{path}", headers={"a": "b"}, params={"q": "1"}, route_params={"route": "x"}, body=b"body"
    )


@pytest.mark.parametrize("path", ["", "/inc-1", "/%E2%82%AC", "/a%20b?q=1", "/%2e%2e"])
def test_an_address_that_is_text_is_left_as_it_is(path: str) -> None:
    asked = a_request(path)
    assert readable(asked) is asked


@pytest.mark.parametrize("path", ["/%FF", "/%c0%ae%c0%ae", "/inc-1/%ED%A0%80?q=%FF"])
def test_bytes_that_are_no_text_are_replaced_and_the_rest_stays(path: str) -> None:
    found = readable(a_request(path))
    assert "%EF%BF%BD" in found.url
    assert (found.method, dict(found.headers)["a"], found.params["q"]) == ("POST", "b", "1")
    assert (dict(found.route_params), found.get_body()) == ({"route": "x"}, b"body")

    assert "\N{REPLACEMENT CHARACTER}" in AsgiRequest(found).path_info
