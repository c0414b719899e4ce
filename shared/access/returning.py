"""Where a browser may be sent after it has signed in: to a page of ours, and nowhere else."""

import re
from urllib.parse import unquote

from shared.errors import Malformed

MAX_CHARS = 512
_PATH = re.compile(
    r"/[A-Za-z0-9\-._~!$&'()*+,;=:@%/]*(\?[A-Za-z0-9\-._~!$&'()*+,;=:@%/?]*)?(#[A-Za-z0-9\-._~!$&'()*+,;=:@%/?]*)?"
)
_MAX_DECODINGS = 4


def page_of_ours(wanted: str) -> str:
    """The same path; raises Malformed for what is not, however it is written, a page of the web app."""
    if len(wanted) > MAX_CHARS or not _PATH.fullmatch(wanted):
        raise _refused()
    path = wanted.partition("#")[0].partition("?")[0]
    for _ in range(_MAX_DECODINGS):
        if not _is_plain(path):
            raise _refused()
        decoded = unquote(path)
        if decoded == path:
            return wanted
        path = decoded
    raise _refused()


def _is_plain(path: str) -> bool:
    """Whether no browser and no proxy could read another host, another folder or the API into it."""
    is_printable = all(one.isprintable() for one in path) and "\\" not in path and "\ufffd" not in path
    segments = path.split("/")[1:]
    goes_astray = "" in segments[:-1] or any(one in (".", "..") for one in segments)
    return is_printable and path.startswith("/") and not goes_astray and segments[0].lower() != "api"


def _refused() -> Malformed:
    return Malformed(
        "the page to return to must be a path of the web app, such as /incidents", reason="bad_return_to"
    )
