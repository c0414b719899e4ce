"""Logs with a constant event name and ids as fields. Never headers, bodies, secrets or prompts."""

import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from shared.redaction import redact

_bound: ContextVar[dict[str, str] | None] = ContextVar("bound_log_fields", default=None)


_PLAIN = frozenset(logging.makeLogRecord({}).__dict__)
MAX_FIELD_CHARS = 200
_LOOKED_AT_CHARS = 4 * MAX_FIELD_CHARS
"""Cut before it is masked, so that a long value costs little, and far enough that no half of a secret is shown."""


class _BoundFields(logging.Filter):
    """Puts the ids that were bound at the trigger on every record, and the fields into the text for people."""

    def filter(self, record: logging.LogRecord) -> bool:
        for name, value in (_bound.get() or {}).items():
            if not hasattr(record, name):
                setattr(record, name, value)
        if not hasattr(record, "event"):
            record.event = record.msg
            _mask_fields(record)
            extras = {k: v for k, v in record.__dict__.items() if k not in _PLAIN and k != "event"}
            # %-signs in values must not meet the formatter, so the text is finished here.
            record.msg = " ".join([str(record.msg), *(f"{k}={_one_line(v)}" for k, v in extras.items())])
            record.args = ()
        return True


class _RedactedRecord(logging.LogRecord):
    """A record of anybody's whose text, fields and exception hold no secrets: the last line of defence."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.exc_info and self.exc_info[0] is not None:
            self.exc_text = redact("".join(traceback.format_exception(*self.exc_info)).rstrip())
            # Whoever would format the exception anew would find it as it was.
            self.exc_info = None

    def getMessage(self) -> str:  # noqa: N802 -- the method of the standard library
        _mask_fields(self)
        return redact(super().getMessage())


def fields_of(record: logging.LogRecord) -> dict[str, str | int | float | bool]:
    """The fields of a record, beside its text: ids, reasons and numbers; whatever else there is, as a short text."""
    given = {k: v for k, v in record.__dict__.items() if k not in _PLAIN and k not in ("event", "message")}
    return {k: v if isinstance(v, bool | int | float) else _one_line(v) for k, v in given.items()}


def _mask_fields(record: logging.LogRecord) -> None:
    for name, value in record.__dict__.items():
        if name not in _PLAIN and isinstance(value, str):
            record.__dict__[name] = redact(value)


def guard_logs() -> None:
    """Mask secrets in every record that this process makes from now on, whoever logs it."""
    logging.setLogRecordFactory(_RedactedRecord)


def _one_line(value: object) -> str:
    text = redact(str(value)[:_LOOKED_AT_CHARS])[:MAX_FIELD_CHARS]
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
