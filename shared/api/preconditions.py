"""ETags of what people change, and `If-Match`: nobody overwrites what they have not seen (RFC 9110, 13.1.1)."""

from typing import Annotated

from fastapi import Header, Request, Response

from shared.errors import CopilotError

# Only declares the header for the documentation; `require_match` reads it.
IfMatch = Annotated[
    str | None, Header(alias="If-Match", description="Only if it still has this ETag; otherwise 412.")
]


class PreconditionFailed(CopilotError):
    """The caller changes a version that is not the current one any more."""

    default_reason = "stale_version"


def etag_of(version: int) -> str:
    """The entity tag of a version: ours, not the store's, which also moves when nothing that is shown does."""
    return f'"v{version}"'


def show_version(response: Response, version: int) -> None:
    """Tell the version that was answered with."""
    response.headers["ETag"] = etag_of(version)


def require_match(request: Request, version: int) -> None:
    """Raise PreconditionFailed when the caller names versions and none of them is this one."""
    named = request.headers.getlist("if-match")
    if not named:
        return
    tags = {tag.strip() for line in named for tag in line.split(",")}
    if "*" not in tags and etag_of(version) not in tags:
        raise PreconditionFailed("it was changed since you read it; read it again")
