"""How each fault is brought about in a shop."""

from datetime import UTC, datetime
from typing import Any

from dev.demo import ApiClient
from dev.matrix.cases import Case, FaultKind, between
from dev.shop.control import ShopControl
from dev.shop.topology import SHOP, VISITS, Operation, ServiceName

BUSY = 1.2
"""How much more CPU is asked for than there is: enough that a queue grows at once."""


async def deploy_decoy(case: Case, shop: ShopControl) -> None:
    """A new version of an innocent service, as good as the one before."""
    if case.decoy:
        await shop.deploy(case.decoy, next_version(case.decoy))


async def bring_about(case: Case, shop: ShopControl, api: ApiClient, *, visits_per_second: float) -> None:
    """Break what the case breaks; nothing where it breaks nothing."""
    if case.fault is None or case.service is None:
        return
    errors, seconds = between(case, 0.33, 0.66), between(case, 0.6, 0.9)
    match case.fault:
        case FaultKind.BAD_DEPLOY_ERRORS:
            await shop.deploy(case.service, next_version(case.service), behaviour={"error_ratio": errors})
        case FaultKind.BAD_DEPLOY_LATENCY:
            await shop.deploy(case.service, next_version(case.service), behaviour={"latency_seconds": seconds})
        case FaultKind.DOWN:
            await shop.fault("dead_dependency", case.service)
        case FaultKind.CPU_SATURATION:
            needed = BUSY / requests_per_second(case.service, visits_per_second)
            await shop.fault("cpu_burn", case.service, cpu_seconds=round(needed, 3))
        case FaultKind.FEATURE_FLAG:
            at = datetime.now(UTC)
            await shop.fault("errors", case.service, error_ratio=errors)
            await api.report_change(flag_turned(case.service, at))
        case FaultKind.NETWORK_DELAY:
            await shop.fault("network_delay", case.service, latency_seconds=between(case, 0.55, 0.7))


def flag_turned(service: ServiceName, at: datetime) -> dict[str, Any]:
    """The report of a feature flag that was turned, as a flag service sends it: nothing was deployed."""
    title = f"{service}-new-path turned on for everybody"
    return {"service": service.value, "kind": "feature_flag", "title": title, "at": at.isoformat()}


def next_version(service: ServiceName) -> str:
    """The version after the one that every shop begins with."""
    major, minor, _ = SHOP[service].first_version.split(".")
    return f"{major}.{int(minor) + 1}.0"


def requests_per_second(service: ServiceName, visits_per_second: float) -> float:
    """How many requests reach a service when all goes well, by the shop's table of visits and calls."""
    weights = sum(visit.weight for visit in VISITS)
    return visits_per_second * sum(
        visit.weight / weights * _calls(_operation(ServiceName.FRONTEND, visit.method, visit.path), service)
        for visit in VISITS
    )


def _calls(operation: Operation, service: ServiceName) -> int:
    """How often one request to an operation calls a service, by whatever way."""
    called = 0
    for call in operation.calls:
        called += call.server is service
        called += _calls(_operation(call.server, call.method, call.path), service)
    return called


def _operation(service: ServiceName, method: str, path: str) -> Operation:
    return next(one for one in SHOP[service].operations if (one.method, one.path) == (method, path))
