"""Documents: schema versions, times, and ids that derive from content."""

from datetime import datetime

import pytest
from pydantic import ValidationError

from shared.models.base import document_id
from shared.models.incidents import Incident, IncidentState
from tests.builders import an_incident


def old_incident(state: IncidentState) -> dict[str, object]:
    stored = an_incident(state=state, signal_count=3).to_stored()
    del stored["firing_count"]
    return {**stored, "schema_version": 1, "_etag": '"x"', "_ts": 1}


def test_an_incident_of_schema_1_is_upcast_when_it_is_read() -> None:
    read = Incident.from_stored(old_incident(IncidentState.DETECTED))
    assert (read.schema_version, read.firing_count) == (3, 3)


def test_a_closed_incident_of_schema_1_has_nothing_firing() -> None:
    assert Incident.from_stored(old_incident(IncidentState.RESOLVED)).firing_count == 0


def test_what_is_stored_is_read_back_the_same() -> None:
    assert Incident.from_stored(an_incident().to_stored()) == an_incident()


def test_a_time_without_its_offset_is_refused() -> None:
    with pytest.raises(ValidationError):
        Incident.from_stored({**an_incident().to_stored(), "detected_at": datetime(2026, 1, 1).isoformat()})  # noqa: DTZ001 -- the point


def test_equal_parts_give_equal_ids_and_shifted_parts_do_not() -> None:
    assert document_id("inc", "a", "bc") == document_id("inc", "a", "bc") != document_id("inc", "ab", "c")
