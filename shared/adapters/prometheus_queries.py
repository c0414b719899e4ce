"""A tenant's Prometheus asked on somebody's behalf: its own words and values pass through, within bounds.

Whatever else may answer at the URL (a login page, a proxy's error, half an answer) is told apart and never repeated.
"""

from collections.abc import Collection, Mapping
from typing import Final, Protocol

from pydantic import ValidationError

from shared.adapters.breaker import Breakers
from shared.adapters.entra_tokens import EntraTokens
from shared.adapters.prometheus_answer import SERVER_ERRORS, is_of_another
from shared.adapters.prometheus_connection import Connection, HttpAnswer, breaker_name
from shared.adapters.tenant_slots import TenantSlots
from shared.errors import SourceUnavailable
from shared.models.base import IntegrationId, TenantId
from shared.models.promql import QueryAnswer, QueryRefusal
from shared.models.tenants import Integration
from shared.ports.queries import QueryNotAnswered, Question
from shared.ports.secrets import SecretBox
from shared.ports.tokens import AccessTokens

MAX_ANSWER_BYTES: Final = 4 * 1024 * 1024
MAX_CONCURRENT: Final = 4
MAX_TOLD_CHARS: Final = 2000
_BY_STATUS: Final = {401: "unauthorised", 403: "unauthorised", 404: "not_found", 429: "throttled"}
_BY_ERROR_TYPE: Final = {
    "bad_data": "bad_query",
    "execution": "execution",
    "timeout": "timeout",
    "canceled": "timeout",
    "unavailable": "unavailable",
    "internal": "unavailable",
    "not_found": "not_found",
    "unauthorized": "unauthorised",
    "forbidden": "unauthorised",
    "too_many_requests": "throttled",
}


class QueryHttp(Protocol):
    """What is needed of the guarded client; raises SourceUnavailable and AddressRefused."""

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        timeout_seconds: float | None = None,
        max_bytes: int | None = None,
        answers: Collection[int] = (),
    ) -> HttpAnswer:
        """One request."""
        ...


class PrometheusQueries:
    """Implements QueryableSources. At most four questions of a tenant at a time; others wait their time.

    Nothing is asked twice here: whoever asked is there to ask again.
    """

    def __init__(
        self,
        secrets: SecretBox,
        http: QueryHttp,
        *,
        breakers: Breakers | None = None,
        tokens: AccessTokens | None = None,
    ) -> None:
        self._secrets = secrets
        self._http = http
        self._breakers = breakers or Breakers()
        self._tokens = tokens or EntraTokens()
        self._slots = TenantSlots(MAX_CONCURRENT)

    async def ask(self, tenant_id: TenantId, integration: Integration, question: Question) -> QueryAnswer:
        """See QueryableSources."""
        opened = await self._secrets.open(tenant_id, IntegrationId(integration.id), integration.config or "")
        connection = Connection.from_config(opened)
        breaker = self._breakers.of(tenant_id, breaker_name(integration))
        async with self._slots.taken(tenant_id, within_seconds=question.timeout_seconds):
            proof = await connection.proof(self._tokens)
            with breaker.guarding():
                answer = await self._send(connection, question, proof)
                if is_of_another(answer.status, answer.body):
                    raise _refused(answer.body, "http_5xx")
        return answer_of(answer)

    async def _send(self, connection: Connection, question: Question, proof: Mapping[str, str]) -> HttpAnswer:
        return await self._http.request(
            "POST",
            connection.endpoint(question.endpoint),
            headers=proof,
            # In seconds without a unit: with one, Prometheus takes whole numbers only.
            form={**question.parameters, "timeout": f"{question.timeout_seconds:.3f}"},
            # A little longer than the query itself may take, so that Prometheus gets to say what was wrong.
            timeout_seconds=question.timeout_seconds + 1,
            max_bytes=MAX_ANSWER_BYTES,
            answers=SERVER_ERRORS,
        )


def answer_of(answer: HttpAnswer) -> QueryAnswer:
    """The answer in a response; raises SourceUnavailable with the reason when there is none to pass on."""
    reason = _BY_STATUS.get(answer.status)
    if reason is None:
        try:
            return QueryAnswer.model_validate_json(answer.body)
        except ValidationError as exc:
            reason = _what_it_is(exc)
    raise _refused(answer.body, reason)


def _what_it_is(invalid: ValidationError) -> str:
    return "not_json" if any(one["type"] == "json_invalid" for one in invalid.errors()[:1]) else "unexpected_shape"


def _refused(body: bytes, reason: str) -> SourceUnavailable:
    """In the source's own words where it speaks Prometheus's; anything else that answered is not quoted."""
    try:
        told = QueryRefusal.model_validate_json(body)
    except ValidationError:
        return SourceUnavailable("No usable answer came from this Prometheus.", reason=reason)
    if reason in ("not_json", "unexpected_shape"):
        reason = _BY_ERROR_TYPE.get(told.error_type, "refused")
    return QueryNotAnswered(
        "Prometheus answered with an error.",
        reason=reason,
        error_type=told.error_type[:100] or None,
        error=told.error[:MAX_TOLD_CHARS] or None,
    )
