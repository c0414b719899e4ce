"""Redaction at the edge: from here on, nothing that a sender wrote holds a secret. The raw body alone keeps it.

It comes after parsing, so that fingerprints, ids and the integration's service map see what was sent, and before
anything is claimed, recorded or told.
"""

from collections.abc import Mapping

from shared.models.changes import ReportedChange
from shared.models.signals import Alert, ExternalUpdate, ParsedDelivery
from shared.redaction import (
    Tally,
    counts,
    redact,
    redact_identity,
    redact_link,
    redact_map,
    redact_name,
    redact_value,
)
from shared.signals.normalise import MAX_SERVICE_CHARS, SERVICE_LABELS
from shared.signals.sources.sizes import (
    MAX_ANNOTATIONS_BYTES,
    MAX_EXPRESSION_BYTES,
    MAX_GROUP_KEY_BYTES,
    MAX_LABELS_BYTES,
    MAX_SUMMARY_BYTES,
    MAX_TITLE_BYTES,
    cut,
    fitted,
)

_NAMING = frozenset(SERVICE_LABELS)


def redacted(parsed: ParsedDelivery, *, salt: str) -> ParsedDelivery:
    """The delivery without secrets; each alert and change counts by kind what it lost.

    Two services, alerts or groups that differ still do, and the same one is masked the same: with `salt`, which is
    the tenant's, so that nothing can be joined across tenants.
    """
    return parsed.model_copy(
        update={
            "alerts": tuple(redacted_alert(one, salt=salt) for one in parsed.alerts),
            "changes": tuple(redacted_change(one, salt=salt) for one in parsed.changes),
            "updates": tuple(_update(one, salt) for one in parsed.updates),
            "receiver": redact(parsed.receiver),
        }
    )


def redacted_alert(alert: Alert, *, salt: str) -> Alert:
    """The alert without secrets; the same one where it holds none, as nearly all do."""
    tally = Tally()
    # What repeats a label or an annotation is masked alike, and counted there.
    said = {*alert.labels.values(), *alert.annotations.values()}

    def once(text: str) -> Tally | None:
        return None if text in said else tally

    expression, generator_url, external_url = alert.expression, alert.generator_url, alert.external_url
    masked: dict[str, object] = {
        "labels": _labels(alert.labels, salt, tally),
        "annotations": redact_map(alert.annotations, tally),
        "name": _named(alert.name, salt, once(alert.name)),
        "service_name": _named(alert.service_name, salt, once(alert.service_name)),
        "service_key": _named(alert.service_key, salt) if alert.service_key else alert.service_key,
        "summary": redact(alert.summary, None if alert.summary == alert.name else once(alert.summary)),
        "group_key": redact_identity(alert.group_key, salt=salt),
        "expression": redact(expression, None if generator_url else tally) if expression else expression,
        "generator_url": redact_link(generator_url, tally) if generator_url else generator_url,
        "external_url": redact_link(external_url) if external_url else external_url,
        "values": {redact(name): value for name, value in alert.values.items()} if alert.values else alert.values,
    }
    changed = {name: value for name, value in masked.items() if value != getattr(alert, name)}
    return alert.model_copy(update={**_within_sizes(changed), "redacted": counts(tally)}) if changed else alert


def redacted_change(change: ReportedChange, *, salt: str) -> ReportedChange:
    """The change without secrets; the same one where it holds none."""
    tally = Tally()
    masked: dict[str, object] = {
        "title": redact(change.title, tally),
        "author": redact_identity(change.author, salt=salt, tally=tally) if change.author else change.author,
        "service_name": _named(change.service_name, salt, tally),
        "service_key": _named(change.service_key, salt) if change.service_key else change.service_key,
        "version": redact(change.version, tally) if change.version else change.version,
        "environment": redact(change.environment, tally) if change.environment else change.environment,
        "url": redact_link(change.url, tally) if change.url else change.url,
    }
    changed = {name: value for name, value in masked.items() if value != getattr(change, name)}
    return change.model_copy(update={**changed, "redacted": counts(tally)}) if changed else change


def redacted_counts(parsed: ParsedDelivery) -> Mapping[str, int]:
    """By kind, what a redacted delivery lost in all."""
    total: dict[str, int] = {}
    for lost in (*(one.redacted for one in parsed.alerts), *(one.redacted for one in parsed.changes)):
        for kind, count in lost.items():
            total[kind] = total.get(kind, 0) + count
    return total


def _labels(labels: Mapping[str, str], salt: str, tally: Tally) -> dict[str, str]:
    """As labels are masked; those that may name the service as its name is, so that the two stay equal."""
    return {
        redact_name(name, tally): _named(value, salt, tally) if name in _NAMING else redact_value(name, value, tally)
        for name, value in labels.items()
    }


def _named(text: str, salt: str, tally: Tally | None = None) -> str:
    """A name: masked from the one line that a service's name is made of, so that label and name are masked alike."""
    if redact(text) == text:
        return text
    line = " ".join(text.split())[:MAX_SERVICE_CHARS]
    masked = redact_identity(line, salt=salt, tally=tally)
    # A secret beyond the end of that line.
    return redact(text, tally) if masked == line else _kept_apart(masked)


def _kept_apart(masked: str) -> str:
    """Within a name's length, with its end, which tells it from others."""
    if len(masked) <= MAX_SERVICE_CHARS:
        return masked
    end = masked[masked.rfind("~") :]
    return masked[: MAX_SERVICE_CHARS - len(end)] + end


def _update(update: ExternalUpdate, salt: str) -> ExternalUpdate:
    text = redact(update.text)
    actor = redact_identity(update.actor, salt=salt) if update.actor else update.actor
    is_same = text == update.text and actor == update.actor
    return update if is_same else update.model_copy(update={"text": text, "actor": actor})


def _within_sizes(changed: dict[str, object]) -> dict[str, object]:
    """A mask may be longer than what it masks, and a full batch must still fit the store."""
    limits = {
        "summary": MAX_SUMMARY_BYTES,
        "group_key": MAX_GROUP_KEY_BYTES,
        "expression": MAX_EXPRESSION_BYTES,
        "name": MAX_TITLE_BYTES,
    }
    maps = {"labels": MAX_LABELS_BYTES, "annotations": MAX_ANNOTATIONS_BYTES}
    for name, value in changed.items():
        if name in limits and isinstance(value, str):
            changed[name] = cut(value, limits[name])
        elif name in maps and isinstance(value, dict):
            changed[name] = fitted(value, maps[name])
    return changed
