"""Labels are bounded, whatever is said; and what alerts and workbook ask for is what the code makes."""

import re
from pathlib import Path

import pytest

from shared.messages import QueueName
from shared.models.hypotheses import GeneratedBy
from shared.models.receipts import Outcome
from shared.models.signals import Source
from shared.models.snapshots import SectionName, SectionStatus
from shared.pipeline.stages import Ending
from shared.telemetry import CATALOG, Counter, Gauge
from shared.telemetry import measures as of
from shared.telemetry.reasons import REASONS
from tests.listening import listening
from tests.planted import PLANTED
from tests.unit.telemetry.reasons_in_code import reasons_in_code

ROOT = Path(__file__).resolve().parents[3]
MOST_SERIES = 1500


@pytest.mark.parametrize(
    ("allowed", "kind"),
    [
        (of.SOURCES, Source),
        (of.SIGNAL_OUTCOMES, Outcome),
        (of.SECTIONS, SectionName),
        (of.SECTION_STATUSES, SectionStatus),
        (of.ORIGINS, GeneratedBy),
        (of.STAGES, QueueName),
        (of.ENDINGS - {"failed"}, Ending),
    ],
)
def test_a_label_has_exactly_the_values_of_what_it_stands_for(allowed: frozenset[str], kind: type) -> None:
    assert allowed == {one.value for one in kind}


def test_every_reason_that_the_code_names_may_label_a_measure() -> None:
    assert reasons_in_code() - REASONS == set()


@pytest.mark.parametrize("said", [*(one.text for one in PLANTED[:5]), "ten-acme", "", "HighErrorRatio", "x" * 9999])
def test_what_is_not_among_a_labels_values_is_other(said: str) -> None:
    with listening() as heard:
        Counter("webhooks").add(source=said, outcome="accepted")
        assert heard.measured("webhooks") == {"outcome=accepted,source=other": 1}


def test_a_label_that_is_not_the_measures_goes_nowhere_and_a_missing_one_is_other() -> None:
    with listening() as heard:
        Counter("signals").add(3, tenant_id="ten-acme")
        assert heard.measured("signals") == {"outcome=other": 3}


def test_a_defect_is_counted_as_one_whichever_class_it_has() -> None:
    with listening() as heard:
        Counter("dead_letters").add(queue="signals", reason="bug_ZeroDivisionError")
        Counter("dead_letters").add(queue="signals", reason="bug_WhateverElse")
        assert heard.measured("dead_letters") == {"queue=signals,reason=bug": 2}


def test_a_measure_is_made_as_what_it_is() -> None:
    with pytest.raises(ValueError, match="is a counter"):
        Gauge("signals")
    with pytest.raises(KeyError):
        Counter("of_my_own")


@pytest.mark.parametrize("name", sorted(CATALOG))
def test_no_measure_can_have_more_series_than_anybody_can_pay_for(name: str) -> None:
    series = 1
    for allowed in CATALOG[name].labels.values():
        series *= len(allowed) + 1
    assert series <= MOST_SERIES


def infra() -> str:
    return "\n".join((ROOT / "infra" / name).read_text(encoding="utf-8") for name in ("alerts.json", "workbook.json"))


def queries() -> list[str]:
    """Every query of alerts and workbook that asks for a measure of ours."""
    return re.findall(r'"query": "(customMetrics[^"]*)"', infra())


def test_what_alerts_and_workbook_ask_for_is_made_with_those_labels() -> None:
    asked: dict[str, set[str]] = {}
    for query in queries():
        names = set(re.findall(r"'(\w+)'", query.split("|")[1]))
        for name in names:
            asked.setdefault(name, set()).update(re.findall(r"customDimensions\.(\w+)", query))
    assert len(asked) >= 7
    for name, labels in asked.items():
        others = [set(CATALOG[one].labels) for one in asked if one in CATALOG]
        assert name in CATALOG
        assert labels <= set(CATALOG[name].labels) or (name == "model_cost" and labels <= set().union(*others))


@pytest.mark.parametrize("value", ["deterministic_ranker", "model_not_configured", "ranked"])
def test_the_values_that_an_alert_compares_with_are_ones_that_are_said(value: str) -> None:
    assert f"'{value}'" in infra()
    assert value in of.ORIGINS | REASONS


def test_the_document_lists_every_measure_with_its_kind_and_labels() -> None:
    rows = re.findall(
        r"^\| (`\w+`(?:, `\w+`)*) \| (\w+) \| ([^|]+) \|", (ROOT / "docs" / "telemetry.md").read_text(), re.MULTILINE
    )
    kinds = {"counter", "gauge", "histogram"}
    documented = {
        name: (kind, set(re.findall(r"`(\w+)`", labels)))
        for names, kind, labels in rows
        if kind in kinds
        for name in re.findall(r"`(\w+)`", names)
    }
    assert documented == {name: (one.kind, set(one.labels)) for name, one in CATALOG.items()}
