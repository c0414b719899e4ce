"""Transactional batches: all operations of one logical partition, or none."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dev.cosmos.errors import Refusal, bad_request
from dev.cosmos.items import Conditions, Items, Outcome
from dev.cosmos.partition_keys import PartitionKey
from dev.cosmos.patches import parse_patch
from dev.cosmos.storage import Storage

_MAX_OPERATIONS = 100
FAILED_DEPENDENCY = 424


@dataclass(frozen=True)
class BatchOutcome:
    """What a batch answers: 200, or 207 with the one failure and 424 for the rest; `kinds` is what was done."""

    status: int
    results: list[dict[str, Any]]
    charge: float
    kinds: Mapping[str, int]


class _OperationFailed(Exception):
    """Rolls the batch back."""

    def __init__(self, position: int, refusal: Refusal) -> None:
        super().__init__(position)
        self.position = position
        self.refusal = refusal


def run_batch(storage: Storage, items: Items, key: PartitionKey, operations: Any) -> BatchOutcome:
    """Run a batch; nothing of it is written unless everything is."""
    if not isinstance(operations, list) or not operations:
        raise bad_request("Batch request has no operations.")
    if len(operations) > _MAX_OPERATIONS:
        raise bad_request("Batch request has more operations than what is supported.")
    try:
        with storage.transaction():
            outcomes = [_run(items, key, position, operation) for position, operation in enumerate(operations)]
    except _OperationFailed as failure:
        return _failed(len(operations), failure)
    results, charge = [_result(outcome) for outcome in outcomes], sum(outcome.charge for outcome in outcomes)
    return BatchOutcome(200, results, charge, Counter(_kind(operation) for operation in operations))


def _run(items: Items, key: PartitionKey, position: int, operation: Any) -> Outcome:
    try:
        kind = _kind(operation)
        if kind not in _KINDS:
            raise bad_request(f"The batch operation '{kind}' is not known.")
        return _KINDS[kind](items, key, operation)
    except Refusal as refusal:
        raise _OperationFailed(position, refusal) from refusal


def _kind(operation: Any) -> str:
    return str(operation.get("operationType")).lower() if isinstance(operation, dict) else ""


def _body(operation: dict[str, Any]) -> dict[str, Any]:
    body = operation.get("resourceBody")
    if not isinstance(body, dict):
        raise bad_request("An operation of the batch needs an object as its resourceBody.")
    return body


def _id(operation: dict[str, Any]) -> str:
    name = operation.get("id")
    if not isinstance(name, str):
        raise bad_request("An operation of the batch needs an id.")
    return name


def _conditions(operation: dict[str, Any]) -> Conditions:
    return Conditions(operation.get("ifMatch"), operation.get("ifNoneMatch"))


def _patch(items: Items, key: PartitionKey, operation: dict[str, Any]) -> Outcome:
    return items.patch(key, _id(operation), parse_patch(operation.get("resourceBody")), _conditions(operation))


_KINDS: dict[str, Callable[[Items, PartitionKey, dict[str, Any]], Outcome]] = {
    "create": lambda items, key, op: items.create(key, _body(op)),
    "upsert": lambda items, key, op: items.upsert(key, _body(op), _conditions(op)),
    "replace": lambda items, key, op: items.replace(key, _id(op), _body(op), _conditions(op)),
    "read": lambda items, key, op: items.read(key, _id(op)),
    "delete": lambda items, key, op: items.delete(key, _id(op), _conditions(op)),
    "patch": _patch,
}


def _result(outcome: Outcome) -> dict[str, Any]:
    result: dict[str, Any] = {"statusCode": outcome.status, "requestCharge": outcome.charge}
    if outcome.document is not None:
        result |= {"eTag": outcome.etag, "resourceBody": outcome.document}
    return result


def _failed(count: int, failure: _OperationFailed) -> BatchOutcome:
    results: list[dict[str, Any]] = [{"statusCode": FAILED_DEPENDENCY, "requestCharge": 0} for _ in range(count)]
    refusal = failure.refusal
    results[failure.position] = {
        "statusCode": refusal.status,
        "subStatusCode": refusal.substatus,
        "requestCharge": 1.0,
        "message": refusal.message,
    }
    return BatchOutcome(207, results, 1.0, {})
