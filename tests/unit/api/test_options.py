"""Whose address the audit trail believes."""

import pytest

from shared.api.options import ApiOptions

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
