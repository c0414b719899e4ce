"""Nobody overwrites what they have not seen."""

import pytest
from starlette.requests import Request

from shared.api.preconditions import PreconditionFailed, etag_of, require_match


def asking(*named: str) -> Request:
    return Request({"type": "http", "headers": [(b"if-match", one.encode()) for one in named]})


@pytest.mark.parametrize("named", [(), ("*",), ('"v3"',), ('"v1", "v3"',), ('"v1"', '"v3"')])
def test_who_names_no_version_or_the_current_one_may_go_on(named: tuple[str, ...]) -> None:
    require_match(asking(*named), 3)


@pytest.mark.parametrize("named", ['"v2"', "v3", 'W/"v3"', '"v33"', "", '"v3'])
def test_who_names_another_version_is_refused(named: str) -> None:
    with pytest.raises(PreconditionFailed):
        require_match(asking(named), 3)


def test_versions_have_tags_of_their_own() -> None:
    assert etag_of(1) == '"v1"' != etag_of(2)
