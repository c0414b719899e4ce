"""No secret reaches a log: not in the message, a field or an exception, whoever logs."""

import io
import logging
from collections.abc import Iterator

import pytest

from shared.errors import SourceUnavailable
from shared.telemetry import guard_logs, logger
from tests.planted import PLANTED, Planted


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What the root handler writes of everybody's records, with the guard on."""
    before = logging.getLogRecordFactory()
    guard_logs()
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.setLevel(level)
    root.removeHandler(handler)
    logging.setLogRecordFactory(before)


@pytest.mark.parametrize("planted", PLANTED, ids=lambda one: f"{one.kind.value}: {one.text[:30]}")
def test_no_record_of_anybody_shows_a_secret(planted: Planted, written: io.StringIO) -> None:
    library = logging.getLogger("somebody.else")
    library.info("asked %s", planted.text)
    library.info(planted.text)
    try:
        raise ValueError(planted.text)
    except ValueError:
        library.exception("failed")
    logger("ours").info("event", extra={"detail": planted.text})
    told = written.getvalue()
    assert "asked" in told
    assert "ValueError" in told
    assert planted.secret not in told
    assert planted.secret.replace("\n", "?") not in told


def test_the_fields_of_a_record_hold_no_secret_either(caplog: pytest.LogCaptureFixture) -> None:
    logger("ours").warning("event", extra={"detail": "password=hunter2", "incident_id": "inc-1", "count": 3})
    (record,) = caplog.records
    assert record.__dict__["detail"] == "password=[redacted:secret_value]"
    assert (record.__dict__["incident_id"], record.__dict__["count"]) == ("inc-1", 3)
    assert record.message == "event detail=password=[redacted:secret_value] incident_id=inc-1 count=3"


def test_a_long_field_shows_no_half_of_a_secret(caplog: pytest.LogCaptureFixture) -> None:
    logger("ours").warning("event", extra={"detail": "x" * 190 + " password=hunter2hunter2"})
    assert "hunter" not in caplog.text


def test_a_source_s_words_in_an_error_are_masked_wherever_the_error_goes() -> None:
    assert str(SourceUnavailable("it said: bad token=hunter2")) == "it said: bad token=[redacted:secret_value]"
