from typing import Any

from bench.prices import operations_of


def a_line(operation: str, count: int = 1, failed: int = 0, **parts: int) -> dict[str, Any]:
    return {
        "operation": operation,
        "container": "claims",
        "count": count,
        "failed": failed,
        "request_charge": 1.0,
        "parts": {name.removeprefix("n"): times for name, times in parts.items()},
    }


def cost(*lines: dict[str, Any]) -> float:
    return operations_of({"operations": list(lines)}).cost


def test_points_cost_what_the_table_says() -> None:
    assert cost(a_line("read", 2), a_line("create"), a_line("replace"), a_line("patch")) == 2 + 6 + 11 + 11


def test_a_batch_costs_the_sum_of_its_operations() -> None:
    assert cost(a_line("batch", 2, create=17, replace=1)) == 17 * 6 + 11


def test_a_query_costs_half_a_unit_a_document_and_at_least_three() -> None:
    assert cost(a_line("query", 3, n0=2, n20=1)) == 3 + 3 + 10


def test_what_was_refused_costs_about_a_read() -> None:
    assert cost(a_line("create", 3, failed=1), a_line("batch", 1, failed=1)) == 2 * 6 + 1 + 1


def test_metadata_costs_nothing() -> None:
    assert cost(a_line("metadata", 5)) == 0


def test_the_kinds_are_counted_over_all_containers() -> None:
    counted = operations_of({"operations": [a_line("read", 2), a_line("read", 3), a_line("batch", create=4)]})
    assert counted.by_kind == {"read": 5, "batch": 1, "batched create": 4}
