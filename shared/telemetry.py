"""Logs with a constant event name and ids as fields. Never headers, bodies, secrets or prompts."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_bound: ContextVar[dict[str, str] | None] = ContextVar("bound_log_fields", default=None)


class _BoundFields(logging.Filter):
    """Puts the ids that were bound at the trigger on every record, and the fields into the text for people."""

    _plain = frozenset(logging.makeLogRecord({}).__dict__)

    def filter(self, record: logging.LogRecord) -> bool:
        for name, value in (_bound.get() or {}).items():
            if not hasattr(record, name):
                setattr(record, name, value)
        if not hasattr(record, "event"):
            record.event = record.msg
            extras = {k: v for k, v in record.__dict__.items() if k not in self._plain and k != "event"}
            # %-signs in values must not meet the formatter, so the text is finished here.
            record.msg = " ".join([str(record.msg), *(f"{k}={_one_line(v)}" for k, v in extras.items())])
            record.args = ()
        return True


def _one_line(value: object) -> str:
    text = str(value)[:200]
    return "".join(c if c.isprintable() else "?" for c in text)


def logger(name: str) -> logging.Logger:
    """A logger whose records carry the bound ids."""
    log = logging.getLogger(name)
    if not any(isinstance(f, _BoundFields) for f in log.filters):
        log.addFilter(_BoundFields())
    return log


@contextmanager
def bound(**fields: str) -> Iterator[None]:
    """Bind ids (tenant, correlation, queue) to every record logged inside."""
    token = _bound.set({**(_bound.get() or {}), **fields})
    try:
        yield
    finally:
        _bound.reset(token)


class Counter:
    """How often something came out how, by its reason: a short constant of ours, never text from outside.

    A count is a log event with a constant name for now. `add` is what an OpenTelemetry counter offers too, with the
    reason as its only attribute, so that a meter can take the log's place here and nowhere else. A success is counted
    as `ok`: the success rate of `prometheus_queries` is the share of `ok` among all its counts.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._log = logger(f"{__name__}.counters")

    def add(self, *, reason: str) -> None:
        """Count one."""
        self._log.info(self.name, extra={"count": 1, "reason": reason})
