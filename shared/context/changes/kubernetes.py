"""What kube-state-metrics tells of changes: ReplicaSets that were made or are back, and config maps. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

from shared.context.changes.metrics import Asked, measured, moment
from shared.context.changes.queries import BINDING, CONFIG_MAP, NAMESPACES, REPLICA_SET, configs, replica_sets
from shared.context.changes.running import Turn, turns, withdrawn
from shared.context.changes.told import Rank, Told, title_text
from shared.models.changes import ChangeKind
from shared.models.evidence import ChangeEvidence
from shared.ports.metrics import Series

ROLLOUT = timedelta(minutes=5)
"""How long after a ReplicaSet was made its pods may take to show themselves."""
RESTLESS = 5
"""A config map that changes more often is no configuration: somebody keeps a lock or a heartbeat in it."""

_HASH = re.compile(r"-[bcdfghjklmnpqrstvwxz2456789]{1,10}$")
_FOR_CONFIG = re.compile(r"-(?:config|configmap|configuration|cm|env|settings)$")

Owned = Mapping[str, Sequence[Series]]


def rollouts(asked: Asked, series: Sequence[Series]) -> tuple[list[Told], list[str]]:
    """ReplicaSets of the services around, and what a person can mend."""
    owned, warnings = _owned(asked, series, REPLICA_SET)
    return [one for service, sets in owned.items() for one in _rollouts(asked, service, sets)], warnings


def reconfigured(asked: Asked, series: Sequence[Series]) -> tuple[list[Told], list[str]]:
    """Config maps of the services around that changed, and what a person can mend."""
    owned, warnings = _owned(asked, series, CONFIG_MAP)
    found = [_changed(asked, service, one) for service, maps in owned.items() for one in maps]
    return [one for told in found for one in told], warnings


def _owned(asked: Asked, series: Sequence[Series], label: str) -> tuple[Owned, list[str]]:
    """Objects by service; of two workloads, or two namespaces, that could be one service's none is taken."""
    found: dict[str, dict[str, list[Series]]] = {}
    for one in series:
        if one.labels.get(BINDING) != label:
            continue
        owner = (_HASH if label == REPLICA_SET else _FOR_CONFIG).sub("", _object(one.labels, label))
        service = asked.around.of(owner)
        if service:
            found.setdefault(service, {}).setdefault(owner, []).append(one)
    chosen: dict[str, Sequence[Series]] = {}
    warnings = []
    for service, owners in found.items():
        here = [one for one in owners if _place(one) in asked.namespaces] or list(owners)
        exact = [one for one in here if one.rpartition("/")[2] == service.rpartition("/")[2]] or here
        if len(exact) == 1:
            chosen[service] = owners[exact[0]]
        else:
            told = " or ".join(sorted(exact)[:3])
            warnings.append(f"{service} could be {told} in Kubernetes: changes there are not told")
    return chosen, warnings


def _rollouts(asked: Asked, service: str, sets: Sequence[Series]) -> Iterable[Told]:
    """Of one workload: new ones at the second they were made, and old ones that are back."""
    born = _born(asked)
    seen = {_object(one.labels, REPLICA_SET): [at for at, _ in one.points] for one in sets}
    workloads = {_HASH.sub("", name) for name in seen}
    for name, made in sorted(born.items()):
        if made >= asked.since.timestamp() and _HASH.sub("", name) in workloads:
            yield _rolled_out(service, Turn(made, name, None, is_back=False, uncertain=0.0))
    for turn in turns(seen, asked.grid):
        made_at = born.get(turn.version)
        is_old = made_at is not None and made_at < turn.at - turn.uncertain - ROLLOUT.total_seconds()
        if turn.is_back or is_old:
            yield _rolled_out(service, replace(turn, is_back=True))
        elif made_at is None:
            yield _rolled_out(service, turn)
    for turn in withdrawn(seen, asked.grid):
        yield _rolled_out(service, turn)


def _rolled_out(service: str, turn: Turn) -> Told:
    instead = f" in the place of {turn.previous}" if turn.previous else ""
    happened = "is back" if turn.is_back else "came" if turn.previous else "was made"
    piece = ChangeEvidence(
        service=service,
        change=ChangeKind.ROLLBACK if turn.is_back else ChangeKind.DEPLOY,
        title=title_text(f"ReplicaSet {turn.version} {happened}{instead}"),
        at=moment(turn.at),
        uncertain_seconds=turn.uncertain,
        query=replica_sets([_HASH.sub("", turn.version)]),
    )
    return measured(piece, REPLICA_SET, Rank.ROLLED_OUT, lasts=ROLLOUT)


def _born(asked: Asked) -> dict[str, float]:
    return {
        _object(one.labels, REPLICA_SET): one.value
        for one in asked.births.samples
        if one.labels.get(BINDING) == REPLICA_SET and 0 < one.value < asked.until.timestamp()
    }


def _changed(asked: Asked, service: str, one: Series) -> Iterable[Told]:
    name = _object(one.labels, CONFIG_MAP)
    changed = [
        later
        for (earlier, before), (later, now) in pairwise(one.points)
        if before != now and not asked.grid.is_broken(earlier, later)
    ]
    for at in changed if len(changed) <= RESTLESS else ():
        piece = ChangeEvidence(
            service=service,
            change=ChangeKind.CONFIG,
            title=title_text(f"config map {name} was changed"),
            at=moment(at),
            uncertain_seconds=asked.grid.step_before(at),
            query=configs([_FOR_CONFIG.sub("", name)]),
        )
        yield measured(piece, CONFIG_MAP, Rank.CONFIGURED)


def _object(labels: Mapping[str, str], label: str) -> str:
    namespace = next((labels[name] for name in NAMESPACES if labels.get(name)), "")
    return f"{namespace}/{labels.get(label, '')}"


def _place(name: str) -> str:
    return name.rpartition("/")[0]
