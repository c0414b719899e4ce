"""A service's name in a path: dots, blanks, quotes and any alphabet; a slash cannot pass through the host."""

from typing import Annotated

from fastapi import Depends, Path

from shared.errors import Malformed

MAX_SERVICE_CHARS = 200


def _printable(
    service: Annotated[str, Path(min_length=1, max_length=MAX_SERVICE_CHARS, description="The service's name.")],
) -> str:
    # Half a surrogate pair cannot be sent on, and no alert can have named such a service.
    if not service.isprintable():
        raise Malformed("service: only printable characters", reason="service_name")
    return service


ServiceName = Annotated[str, Depends(_printable)]
