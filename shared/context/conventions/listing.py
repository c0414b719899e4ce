"""Every name under every row of the table, asked in one query: what detection keeps for a quarter of an hour."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from string import Template

from shared.context.conventions.expressions import BINDING, labelled, offset
from shared.context.conventions.subjects import SUBJECTS
from shared.context.conventions.table import CONVENTIONS
from shared.models.conventions import (
    FRESH_FOR,
    MAX_ASKED,
    MAX_GONE,
    MAX_NAME_CHARS,
    MAX_NAMES,
    REMEMBERED_FOR,
    AskedFor,
    Detected,
    Gone,
)
from shared.ports.metrics import Sample
from shared.redaction import redact

MAX_KEPT_CHARS = 300_000
"""Of all names together; six bytes each, as JSON may need, keep the document below the store's two megabytes."""

_ANY = 'job=~".*"'
"""Matches every series, also one without the label."""
_LABELS: Mapping[str, tuple[str, ...]] = {
    **{row.name: row.service_labels for row in CONVENTIONS},
    **{one.name: one.labels for one in SUBJECTS},
}
_ORDER = tuple(_LABELS)
_LIMITED = frozenset(one.listed_as(label) for one in SUBJECTS for label in one.labels)


def listing(*, seconds_ago: float = 0) -> str:
    """One instant query: a sample for each set of names, labelled with its row; now, and so long ago.

    Each family is read once for all labels that may hold the service, and nothing but names comes back.
    """
    series = {row.name: Template(row.present).substitute(of=_ANY) for row in CONVENTIONS}
    series |= {one.name: one.series for one in SUBJECTS}
    return " or ".join(
        labelled(_grouped(_LABELS[row], asked, seconds_ago), BINDING, row) for row, asked in series.items()
    )


def _grouped(labels: Sequence[str], series: str, seconds_ago: float) -> str:
    by = f"group by ({', '.join(labels)})"
    now = f"{by} ({series})"
    return f"{now} or {by} ({series}{offset(seconds_ago)})" if seconds_ago >= 1 else now


def heard(samples: Iterable[Sample], held: Detected, *, max_series: int, now: datetime) -> Detected:
    """What the answer to `listing` says, and of what was `held` the names that have since gone."""
    samples = tuple(samples)
    found = _names(samples)
    cut = {binding for binding, names in found.items() if len(names) > MAX_NAMES}
    if len(samples) >= max_series:
        # Rows are answered in their order, so all but those before the last one heard of may lack names.
        last = max(_ORDER.index(row) for row in _rows(samples))
        cut |= {f"{row}/{label}" for row in _ORDER[last:] for label in _LABELS[row]}
    kept, dropped = _within(found)
    cut |= dropped
    return held.model_copy(
        update={
            "found": kept,
            "gone": _gone(held, kept, cut, now=now),
            "cut": tuple(sorted(cut)),
            "listed_at": now,
            "updated_at": now,
        }
    )


def asked_for(
    samples: Iterable[Sample],
    held: Detected,
    names: Mapping[str, Sequence[str]],
    *,
    now: datetime,
    spelled: Collection[str] = (),
) -> Detected:
    """What the answer to `with_subjects` says of services that were asked for, each by these names of its own, and
    of these spellings where limits are.
    """
    own = {name for one in names.values() for name in one}
    beside = own | set(spelled)

    def is_asked(binding: str, name: str) -> bool:
        return name in (beside if binding in _LIMITED else own)

    answered = {(binding, name) for binding, name in map(_bound, samples) if is_asked(binding, name)}
    before = {(binding, name) for binding, found in held.found.items() for name in found}
    after = {(binding, name) for binding, name in before if not is_asked(binding, name)} | answered
    gone = [Gone(binding=binding, name=name, seen_at=held.updated_at) for binding, name in before - after]
    gone += [one for one in held.gone if (one.binding, one.name) not in after and now - one.seen_at < REMEMBERED_FOR]
    asked = [one for one in held.asked if one.service not in names and now - one.at < FRESH_FOR]
    asked += [AskedFor(service=service, at=now) for service in sorted(names)]
    return held.model_copy(
        update={
            "found": {binding: tuple(sorted(name for one, name in after if one == binding)) for binding, _ in after},
            "gone": tuple(sorted(gone, key=lambda one: (one.seen_at, one.binding, one.name))[-MAX_GONE:]),
            "asked": tuple(asked[-MAX_ASKED:]),
            "updated_at": now,
        }
    )


def _bound(sample: Sample) -> tuple[str, str]:
    binding = sample.labels.get(BINDING, "")
    return binding, sample.labels.get(binding.rpartition("/")[2], "")


def _rows(samples: Iterable[Sample]) -> set[str]:
    return {row for sample in samples if (row := sample.labels.get(BINDING, "")) in _LABELS}


def _names(samples: Iterable[Sample]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for sample in samples:
        row = sample.labels.get(BINDING, "")
        for label in _LABELS.get(row, ()):
            name = sample.labels.get(label, "")
            # A name that could not be kept whole might be taken for another once cut.
            if 0 < len(name) <= MAX_NAME_CHARS:
                found.setdefault(f"{row}/{label}", set()).add(name)
    # What is kept holds no secret; nor could such a name be asked for, as those of alerts are masked.
    hidden = {name for names in found.values() for name in names if redact(name) != name}
    return {binding: names - hidden for binding, names in found.items()} if hidden else found


def _within(found: Mapping[str, set[str]]) -> tuple[dict[str, tuple[str, ...]], set[str]]:
    """What fits a document, in the table's order, and the bindings of which some did not."""
    left = MAX_KEPT_CHARS
    kept: dict[str, tuple[str, ...]] = {}
    dropped = set()
    for row in _ORDER:
        for label in _LABELS[row]:
            binding = f"{row}/{label}"
            names = sorted(found.get(binding, ()))[:MAX_NAMES]
            size = sum(map(len, names))
            if size > left:
                dropped.add(binding)
                continue
            left -= size
            if names:
                kept[binding] = tuple(names)
    return kept, dropped


def _gone(held: Detected, kept: Mapping[str, tuple[str, ...]], cut: set[str], *, now: datetime) -> tuple[Gone, ...]:
    """Names that were there lately and are not now; where a listing was cut, missing says nothing."""
    there = {(binding, name) for binding, names in kept.items() for name in names}
    seen = {(one.binding, one.name): one.seen_at for one in held.gone}
    seen |= {(binding, name): held.updated_at for binding, names in held.found.items() for name in names}
    missing = [
        Gone(binding=binding, name=name, seen_at=at)
        for (binding, name), at in seen.items()
        if (binding, name) not in there and binding not in cut and now - at < REMEMBERED_FOR
    ]
    return tuple(sorted(missing, key=lambda one: (one.seen_at, one.binding, one.name))[-MAX_GONE:])
