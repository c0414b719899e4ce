"""Where a browser may be sent after sign-in: a page of ours, however the wish is written."""

import pytest

from shared.access.returning import page_of_ours
from shared.errors import Malformed


@pytest.mark.parametrize(
    "page",
    [
        "/",
        "/incidents",
        "/incidents/inc-1?tab=timeline&x=%2F%2F#why",
        "/a%20b",
        "/@dana",
        "/?next=https://x",
        "/apiary",
    ],
)
def test_a_path_of_the_web_app_is_kept_as_it_is(page: str) -> None:
    assert page_of_ours(page) == page


@pytest.mark.parametrize(
    "elsewhere",
    [
        "",
        "incidents",
        "https://evil.test",
        "HTTPS:evil.test",
        "javascript:alert(1)",
        "data:text/html,x",
        "//evil.test",
        "///evil.test",
        "/a//evil.test",
        "/\\evil.test",
        "\\\\evil.test",
        "/%5cevil.test",
        "/%2fevil.test",
        "/%2Fevil.test",
        "/%252fevil.test",
        "/%25252fevil.test",
        "/%2525252525255cevil.test",
        "/..//evil.test",
        "/../evil",
        "/%2e%2e/evil",
        "/./x",
        "@evil.test",
        "user:password@evil.test/",
        "/\t/evil.test",
        "/\n/evil.test",
        "/%09/evil.test",
        "/%0d%0aSet-Cookie:x=y",
        "/\r\nSet-Cookie: x=y",
        "\t//evil.test",
        " //evil.test",
        "/ /evil.test",
        "/%00",
        "/\u2044evil.test",
        "/\uff0f\uff0fevil.test",
        "/%e2%80%ae",
        "/%ff",
        "/<script>",
        "/a?b#c#d",
        "/api/v1/auth/logout",
        "/API/v1",
        "/%61pi/v1",
        "/" + "a" * 512,
    ],
)
def test_everything_else_is_refused(elsewhere: str) -> None:
    with pytest.raises(Malformed):
        page_of_ours(elsewhere)
