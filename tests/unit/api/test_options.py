"""What an installation decides of its API: whose address is believed, how much it takes, who may call from a page."""

import pytest

from shared.api.cors import NotAnOrigin
from shared.api.options import ApiOptions
from shared.bootstrap import api_options
from shared.settings import Settings

BEHIND_A_PROXY = ApiOptions(client_address_header="x-forwarded-for")


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("10.1.1.1, 203.0.113.7", "203.0.113.7"),
        ("203.0.113.7:51234", "203.0.113.7"),
        ("[2001:db8::7]:51234", "2001:db8::7"),
        ("2001:db8::7", "2001:db8::7"),
        ("evil, <script>", None),
        ("", None),
    ],
)
def test_the_address_is_the_one_that_our_own_proxy_added(written: str, address: str | None) -> None:
    assert BEHIND_A_PROXY.client_address({"x-forwarded-for": written}) == address


def test_without_a_proxy_that_is_trusted_nobody_has_an_address() -> None:
    assert ApiOptions().client_address({"x-forwarded-for": "203.0.113.7"}) is None


def test_a_missing_header_is_no_address() -> None:
    assert BEHIND_A_PROXY.client_address({}) is None


def settings(**given: str) -> Settings:
    return Settings.from_environment({"COSMOS_ENDPOINT": "https://c", "ENTRA_AUDIENCE": "a", **given})


def test_without_settings_an_installation_has_the_defaults() -> None:
    assert api_options(settings()) == ApiOptions()


def test_an_installation_sets_its_limits_and_origins() -> None:
    options = api_options(
        settings(CORS_ORIGINS="https://a.example", API_MAX_BODY_BYTES="9", API_REQUESTS_AT_ONCE="7")
    )
    assert (options.cors_origins, options.limits.max_body_bytes) == (("https://a.example",), 9)
    assert (options.requests.per_minute, options.requests.burst) == (600, 7)


def test_an_origin_that_is_none_stops_the_app() -> None:
    with pytest.raises(NotAnOrigin, match=r"CORS_ORIGINS"):
        api_options(settings(CORS_ORIGINS="*"))
