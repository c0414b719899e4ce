"""What went wrong with a connection, in words a person can act on. Pure: a failure goes in, a finding comes out."""

from collections.abc import Mapping
from typing import Final

from shared.adapters.addresses import Refusal
from shared.errors import AddressRefused, CopilotError
from shared.models.tenants import IntegrationType
from shared.ports.connections import Reason

PRODUCTS: Final[Mapping[IntegrationType, str]] = {
    IntegrationType.PROMETHEUS: "Prometheus",
    IntegrationType.GRAFANA: "Grafana",
    IntegrationType.GITHUB: "GitHub",
    IntegrationType.ALERTMANAGER: "Alertmanager",
}

_OF_SOURCE: Final[Mapping[str, Reason]] = {
    "unresolvable": Reason.UNRESOLVABLE,
    "connect": Reason.NOT_LISTENING,
    "tls": Reason.TLS,
    "timeout": Reason.TIMEOUT,
    "protocol": Reason.WRONG_PORT,
    "http_5xx": Reason.SERVER_ERROR,
    "too_large": Reason.TOO_LARGE,
    "encoding": Reason.BAD_ENCODING,
    "not_json": Reason.NOT_JSON,
    "unexpected_shape": Reason.ANOTHER_SERVICE,
    "unauthorised": Reason.UNAUTHORISED,
    "not_found": Reason.NOT_FOUND,
    "throttled": Reason.THROTTLED,
    "unavailable": Reason.SERVER_ERROR,
    "too_many_alerts": Reason.TOO_LARGE,
    "entra_refused": Reason.ENTRA_REFUSED,
    "entra_unavailable": Reason.ENTRA_UNAVAILABLE,
}
_OF_REFUSAL: Final[Mapping[str, Reason]] = {
    Refusal.REDIRECT: Reason.REDIRECT,
    Refusal.HEADER: Reason.BAD_CREDENTIAL,
    Refusal.URL: Reason.BAD_URL,
    Refusal.SCHEME: Reason.BAD_URL,
    Refusal.USERINFO: Reason.BAD_URL,
    Refusal.HOST: Reason.BAD_URL,
    Refusal.PORT: Reason.BAD_URL,
}
_OF_STATUS: Final[Mapping[int, Reason]] = {
    401: Reason.UNAUTHORISED,
    403: Reason.FORBIDDEN,
    404: Reason.NOT_FOUND,
    405: Reason.NOT_FOUND,
    407: Reason.FORBIDDEN,
    429: Reason.THROTTLED,
}
# What Go, nginx and Apache say to plain HTTP on a TLS port.
_TLS_EXPECTED: Final = (
    b"http request to an https server",
    b"plain http request was sent to https port",
    b"speaking plain http",
)

_WORDS: Final[Mapping[Reason, str]] = {
    Reason.REACHED: "{product} answers and lets us in.",
    Reason.NO_SERIES: (
        "{product} answers, but has no series to show. It scrapes nothing yet, or this credential sees an empty "
        "tenant: check the targets there, and the tenant that the URL or the credential selects."
    ),
    Reason.NO_SUCH_RECEIVER: (
        "{product} answers, but has no receiver of this name. Use the name under `receivers` in its configuration."
    ),
    Reason.NO_SUCH_REPOSITORY: (
        "{product} answers, but shows no repository {detail}: there is none of this name, or the token may not read "
        "it. It needs to read deployments, contents and metadata there."
    ),
    Reason.UNRESOLVABLE: (
        "The host name cannot be resolved. Check its spelling, and that it is in the public DNS: names that only "
        "your own network knows cannot be reached from here."
    ),
    Reason.NOT_LISTENING: (
        "The connection was refused or broken off. Check the port, that {product} runs there, and that a firewall "
        "lets us through."
    ),
    Reason.TLS: (
        "The TLS handshake failed. The certificate is expired, for another name, or from an authority that is not "
        "public; or the port does not speak TLS, and the URL should begin with http://."
    ),
    Reason.UNAUTHORISED: (
        "{product} does not accept the credential (401). Check that the token or password is complete, not expired, "
        "and of the kind that {product} expects."
    ),
    Reason.FORBIDDEN: (
        "The credential is known but may not do this (403). Give its account the right to read, or use another one."
    ),
    Reason.ENTRA_REFUSED: (
        "Entra ID gives this service principal no token. Check the directory id and the client id, and that the "
        "client secret is its value, not its id, and has not expired."
    ),
    Reason.ENTRA_UNAVAILABLE: "Entra ID could not be asked for a token. Try again in a minute.",
    Reason.NOT_FOUND: (
        "Something answers, but not the API of {product} (404). The path is wrong: give the base URL without /api, "
        "and with the prefix if {product} is served under one."
    ),
    Reason.NOT_JSON: "What answers does not send JSON, so it is not the API of {product}. Check host, port and path.",
    Reason.HTML: (
        "A web page answers instead of the API of {product}. Usually that is the login page of a proxy before it: "
        "use an address that takes the credential directly, or one that the proxy lets through."
    ),
    Reason.ANOTHER_SERVICE: "JSON answers, but not that of {product}: another service is at this address.",
    Reason.WRONG_PORT: (
        "What answers on this port does not speak HTTP as the URL says. The port belongs to another service, or the "
        "URL should begin with https:// instead of http://, or the other way round."
    ),
    Reason.REDIRECT: (
        "The address redirects elsewhere, and redirects are not followed. Give the final URL; a redirect to a login "
        "page means that the credential was not accepted."
    ),
    Reason.TIMEOUT: (
        "There was no complete answer in time. A firewall may drop our packets, the port may be wrong, or {product} "
        "is overloaded."
    ),
    Reason.THROTTLED: "{product} asks us to slow down (429). Try again in a minute, or raise the limit there.",
    Reason.SERVER_ERROR: (
        "{product}, or a proxy before it, fails with an error of its own (5xx). Look at its log and try again."
    ),
    Reason.TOO_LARGE: "The answer is larger than we read. Check that the URL leads to the API of {product}.",
    Reason.BAD_ENCODING: "The answer is compressed in a way that cannot be read: cut off, broken, or not gzip.",
    Reason.BAD_URL: "The URL cannot be used. {detail}",
    Reason.BAD_CREDENTIAL: "The credential holds characters that cannot be sent. Copy it again, without line breaks.",
    Reason.ADDRESS_REFUSED: "{detail} Use an address that can be reached from the internet.",
    Reason.REFUSED: "{product} refuses the question. {detail}",
    Reason.UNREADABLE: "The stored connection cannot be opened. Give it again.",
}

_WRONG_GITHUB: Final = (
    "Something answers, but not the API of {product}. Give https://api.github.com, or https://<host>/api/v3 of an "
    "Enterprise Server."
)
_WORDS_OF_KIND: Final[Mapping[tuple[IntegrationType, Reason], str]] = {
    (IntegrationType.GITHUB, Reason.NOT_FOUND): _WRONG_GITHUB,
    (IntegrationType.GITHUB, Reason.HTML): _WRONG_GITHUB,
}
"""Where a product's API is not where the others have theirs."""


def reason_of(failure: CopilotError) -> Reason:
    """The reason behind what the guarded client or a parser raised."""
    if isinstance(failure, AddressRefused):
        return _OF_REFUSAL.get(failure.reason, Reason.ADDRESS_REFUSED)
    return _OF_SOURCE.get(failure.reason, Reason.REFUSED)


def reason_of_answer(status: int, content_type: str, body: bytes) -> Reason | None:
    """What an answer says against itself before it is parsed; None when it may be the API's."""
    start = body[:512].lstrip().lower()
    if any(words in start for words in _TLS_EXPECTED):
        return Reason.WRONG_PORT
    if status in _OF_STATUS:
        return _OF_STATUS[status]
    if "html" in content_type.lower() or start.startswith((b"<!doctype", b"<html")):
        return Reason.HTML
    return None


def words_for(reason: Reason, kind: IntegrationType, *, detail: str = "") -> str:
    """The sentence for a reason. `detail` is ours, never what the other side sent."""
    words = _WORDS_OF_KIND.get((kind, reason), _WORDS[reason])
    return " ".join(words.format(product=PRODUCTS[kind], detail=detail).split())
