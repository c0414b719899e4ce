"""Refusals with Cosmos DB's own status, code and substatus."""

from collections.abc import Mapping
from dataclasses import dataclass, field

PARTITION_KEY_MISMATCH = 1001
CROSS_PARTITION_QUERY_NOT_SERVABLE = 1004
OWNER_NOT_FOUND = 1003
CONTAINER_RECREATED = 1024
AAD_REQUEST_NOT_AUTHORIZED = 5300


@dataclass(eq=False)
class Refusal(Exception):
    """An answer other than success; the SDK raises it as `(code) message`."""

    status: int
    code: str
    message: str
    substatus: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.status}/{self.substatus} {self.code}: {self.message}"


def bad_request(message: str, substatus: int = 0) -> Refusal:
    """400: the request can never succeed as it is."""
    return Refusal(400, "BadRequest", message, substatus)


def unauthorized(message: str) -> Refusal:
    """401: the signature or the kind of credential is wrong."""
    return Refusal(401, "Unauthorized", message)


def forbidden(message: str, substatus: int = 0) -> Refusal:
    """403: understood, and not allowed."""
    return Refusal(403, "Forbidden", message, substatus)


def item_not_found() -> Refusal:
    """404 for the resource itself."""
    return Refusal(404, "NotFound", "Entity with the specified id does not exist in the system.")


def owner_not_found() -> Refusal:
    """404/1003: the database or container that should hold the resource is missing."""
    return Refusal(404, "NotFound", "Owner resource does not exist", OWNER_NOT_FOUND)


def conflict(message: str = "Entity with the specified id already exists in the system.") -> Refusal:
    """409: the id is taken."""
    return Refusal(409, "Conflict", message)


def precondition_failed() -> Refusal:
    """412: the etag or the condition of a patch does not hold."""
    return Refusal(412, "PreconditionFailed", "One of the specified pre-condition is not met")


def too_large() -> Refusal:
    """413: more than 2 MB."""
    return Refusal(413, "RequestEntityTooLarge", "Request size is too large")
