"""Every recorded shape of every sender, and the signals that are expected of it."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from dev.parse import signals_of
from shared.models.signals import ParsedDelivery, Source
from shared.signals.sources import PARSERS, parse
from tests.payloads.recorded import FOLDER, payload

RECEIVED = datetime(2026, 11, 23, 12, 2, tzinfo=UTC)
SHAPES = sorted(
    (path.parent.name, path.name.removesuffix(".expected.json")) for path in FOLDER.glob("*/*.expected.json")
)


def meaning(parsed: ParsedDelivery) -> dict[str, Any]:
    """What a delivery says, without what is the same for everything."""
    told = parsed.model_dump(mode="json", exclude_defaults=True)
    for one in told.get("alerts", ()):
        one.pop("source")
    return told


def expected(sender: str, shape: str) -> dict[str, Any]:
    return dict(json.loads((FOLDER / sender / f"{shape}.expected.json").read_text()))


@pytest.mark.parametrize(("sender", "shape"), SHAPES)
def test_a_recorded_payload_becomes_the_signals_that_are_expected_of_it(sender: str, shape: str) -> None:
    assert meaning(parse(Source(sender), payload(sender, shape), received_at=RECEIVED)) == expected(sender, shape)


@pytest.mark.parametrize(("sender", "shape"), SHAPES)
def test_a_dry_run_tells_all_that_a_recorded_payload_holds(sender: str, shape: str) -> None:
    told = expected(sender, shape)
    found = signals_of(FOLDER / sender / f"{shape}.json", sender)
    for shown, held in [("signals", "alerts"), ("changes", "changes")]:
        assert [one["service_name"] for one in found[shown]] == [one["service_name"] for one in told.get(held, ())]
    assert [one["event_id"] for one in found["updates"]] == [one["event_id"] for one in told.get("updates", ())]
    assert (found["ignored"], found["kept_as_dead_letter"]) == (told.get("ignored"), told.get("unknown_shape"))
    assert found["dead_letters"] == told.get("rejected", [])


def test_every_sender_has_recorded_payloads_and_every_payload_its_expected_signals() -> None:
    assert {sender for sender, _ in SHAPES} == {source.value for source in PARSERS}
    recorded = {path for path in FOLDER.glob("*/*.json") if not path.name.endswith(".expected.json")}
    assert {FOLDER / sender / f"{shape}.json" for sender, shape in SHAPES} == recorded


def test_the_folder_of_payloads_is_this_projects() -> None:
    assert Path(__file__).parents[3] in FOLDER.parents
