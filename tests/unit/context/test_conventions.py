"""Every row of the table is proved by promtool, and none is without a proof."""

import re
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

import promql_parser
import pytest

from shared.context.conventions import (
    BINDINGS,
    CONVENTIONS,
    RESOURCES,
    Asked,
    Binding,
    Carrier,
    Resource,
    bounds,
    bounds_of,
    can_answer,
    expression,
    is_at_least,
    pressures,
)
from shared.ports.metrics import Sample
from tests.unit.context.conventions_table import PAGE, rendered
from tests.unit.context.promtool import Case, judged
from tests.unit.context.proofs.edges import EDGE_PROOFS
from tests.unit.context.proofs.limits import FILLED
from tests.unit.context.proofs.proof import BACK_SECONDS, MINUTES, WINDOW_SECONDS, Filled, Proof
from tests.unit.context.proofs.requests import PROOFS

BY_NAME = {binding.name: binding for binding in BINDINGS}
BY_RESOURCE = {row.name: row for row in RESOURCES}
HOSTILE = 'x"} or vector(1) #'
Ask = Callable[[tuple[int, ...]], list[str]]
BACKS = (0, BACK_SECONDS)
MEASURED = [metric for metric in Asked if metric is not Asked.SATURATION]
NOT_BY_PROMTOOL = {"otel_http_native"}
"""promtool 2.42 cannot write native histograms down; test_native_histograms proves them on a real Prometheus."""


def rounded(promql: str) -> str:
    """Sums of floats may be off in the last digit; what was written down by hand is not."""
    return f"round({promql}, 0.0001)"


def cases_of(proof: Proof) -> list[Case]:
    binding = BY_NAME[proof.binding]
    found = []
    for metric in MEASURED:
        asked = expression(binding, metric, [proof.service], window_seconds=WINDOW_SECONDS, backs=BACKS)
        both = (("0", proof.now), (str(BACK_SECONDS), proof.before))
        expected = [
            ({"back": back, binding.label: proof.service}, values[metric])
            for back, values in both
            if metric in values
        ]
        found.append(Case(f"{proof.service}: {metric}", rounded(asked), expected, MINUTES))
    bound = [({"binding": binding.name, binding.label: proof.service}, proof.bound)] if proof.bound else []
    found.append(Case(f"{proof.service}: bound", bounds({binding: [proof.service]}), bound, MINUTES))
    return found


def filling(filled: Filled) -> Case:
    row = BY_RESOURCE[filled.resource]
    asked = pressures(row.carrier, [filled.subject], window_seconds=WINDOW_SECONDS, backs=BACKS, rows=[row])
    both = (("0", filled.now), (str(BACK_SECONDS), filled.before))
    labels = {"resource": row.name, "subject": filled.subject}
    expected = [({"back": back, **labels}, round(value, 4)) for back, value in both if value is not None]
    return Case(f"resource {row.name}", rounded(asked), expected, MINUTES)


ALL = (*PROOFS, *EDGE_PROOFS)
CASES = [*(case for proof in ALL for case in cases_of(proof)), *(filling(filled) for filled in FILLED)]
SERIES = {
    **{name.replace("$me", proof.service): values for proof in ALL for name, values in proof.series.items()},
    **{name: values for filled in FILLED for name, values in filled.series.items()},
}


def test_every_expression_answers_what_was_worked_out_by_hand(tmp_path: Path) -> None:
    told = judged(tmp_path, SERIES, CASES)
    assert not told, "\n\n".join(f"{name}\n{words}" for name, words in told.items())


def test_a_wrong_expectation_is_noticed(tmp_path: Path) -> None:
    right = CASES[0]
    wrong = Case("wrong", right.promql, [(labels, value + 1) for labels, value in right.expected], MINUTES)
    assert set(judged(tmp_path, SERIES, [wrong, *CASES[1:3]])) == {"wrong"}


def test_no_row_is_without_a_proof_of_every_metric() -> None:
    proved = {(proof.binding.partition("/")[0], metric) for proof in ALL for metric in proof.now}
    rows = {row.name for row in CONVENTIONS} - NOT_BY_PROMTOOL
    assert {(row, metric.value) for row in rows for metric in MEASURED} <= proved
    assert {row.name for row in RESOURCES} == {filled.resource for filled in FILLED}


def test_names_in_the_table_tell_rows_apart() -> None:
    assert len({row.name for row in CONVENTIONS}) == len(CONVENTIONS)
    assert len(BY_NAME) == len(BINDINGS)
    assert len(BY_RESOURCE) == len(RESOURCES)


def selectors(promql: str) -> list[promql_parser.VectorSelector]:
    found: list[promql_parser.VectorSelector] = []

    def keep(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            found.append(node)

    promql_parser.walk(promql_parser.parse(promql), keep)
    assert found
    return found


def asked_of(binding: Binding, backs: tuple[int, ...]) -> list[str]:
    metrics = [metric for metric in Asked if can_answer(binding, metric)]
    return [expression(binding, metric, [HOSTILE], window_seconds=60, backs=backs) for metric in metrics]


def filled_by(row: Resource, backs: tuple[int, ...]) -> list[str]:
    return [pressures(row.carrier, [HOSTILE], window_seconds=60, backs=backs, rows=[row], namespace=HOSTILE)]


def narrowed(selector: promql_parser.VectorSelector) -> list[str]:
    """The matchers that hold the name, as it is or as a regular expression for it."""
    return [one.name for one in selector.matchers.matchers if "or vector(1)" in one.value.replace("\\", "")]


@pytest.mark.parametrize(
    "asked", [*(partial(asked_of, one) for one in BINDINGS), *(partial(filled_by, one) for one in RESOURCES)]
)
def test_every_selector_of_a_row_is_narrowed_to_the_services_and_follows_the_offset(asked: Ask) -> None:
    for promql in asked(()):
        assert all(narrowed(one) and one.offset is None for one in selectors(promql)), promql
    for promql in asked((86_400,)):
        assert all(narrowed(one) and one.offset == timedelta(days=1) for one in selectors(promql)), promql


@pytest.mark.parametrize("binding", BINDINGS, ids=lambda one: one.name)
def test_every_rate_of_a_binding_is_taken_over_the_window_that_is_asked_for(binding: Binding) -> None:
    ranges = {found for promql in asked_of(binding, ()) for found in re.findall(r"\[[^\]]*\]", promql)}
    assert ranges == {"[60s]"}


@pytest.mark.parametrize("binding", BINDINGS, ids=lambda one: one.name)
def test_only_processes_tell_how_full_they_are(binding: Binding) -> None:
    known = binding.label in {"service", "job", "app", "application"}
    assert can_answer(binding, "saturation") is known
    assert not can_answer(binding, "mood")
    if not known:
        with pytest.raises(ValueError, match="has no saturation"):
            expression(binding, "saturation", ["a"], window_seconds=60)


def test_a_quantile_at_the_highest_bound_means_at_least() -> None:
    graph = Sample({"binding": "service_graph/server", "server": "pay"}, 0, 10.0)
    unbounded = Sample({"binding": "service_graph/server", "server": "odd"}, 0, float("nan"))
    assert bounds_of([graph, unbounded]) == {("service_graph/server", "pay"): 10.0}
    assert [is_at_least(value, 10.0) for value in (9.99, 10.0, 10.000000000000002, 11)] == [False, True, True, True]
    assert not is_at_least(5.0, None)


def test_a_namespace_narrows_what_lies_in_one() -> None:
    pods = pressures(Carrier.POD, ["a"], window_seconds=60, namespace='x"} or y{z="')
    assert 'namespace="x\\"} or y{z=\\"",' in pods
    assert "namespace=" not in pressures(Carrier.NODE, ["a"], window_seconds=60, namespace="x")


def test_the_page_shows_the_table_as_it_is() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert rendered(page) == page, "python -m tests.unit.context.conventions_table --write"
    assert all(f"| `{row.name}` |" in page for row in (*CONVENTIONS, *RESOURCES))
    assert all(f"`{metric.value}`" in page for metric in Asked)
