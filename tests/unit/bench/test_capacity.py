"""The capacity model: cases computed by hand, what must grow with what, and units."""

import json
from dataclasses import replace
from math import exp

import pytest

from bench import capacity
from bench.capacity import Azure, Load
from bench.headroom import limits
from bench.measured import Cost, Footprint, load
from bench.sizing import SIZES, answer, worked_sizes

NOTHING = Cost(0, 0, 0, 0, 0, 0, 0, 0)
ONE_UNIT = replace(NOTHING, request_units=1)
MEASURED = Footprint(
    measured_on="2026-01-01",
    new_alone=Cost(20, 2, 2, 0.01, 0.1, 1000, 2000, 100),
    new_of_many=Cost(20, 2, 2, 0.01, 0.1, 1000, 2000, 100),
    duplicate_alone=ONE_UNIT,
    duplicate_of_many=ONE_UNIT,
    incident=Cost(500, 6, 2, 0.02, 0.6, 5000, 100_000, 1000),
    polls_per_second=8.0,
)
PRICES = {
    "cosmos_autoscale_100_ru_hour": 0.01,
    "cosmos_storage_gb_month": 0.2,
    "cosmos_backup_30_days_gb_month": 0.1,
    "queue_10000_operations": 0.01,
    "blob_10000_writes": 0.1,
    "blob_storage_gb_month": 0.02,
    "flex_on_demand_gb_second": 0.00003,
    "flex_ready_idle_gb_second": 0.000004,
    "flex_ready_busy_gb_second": 0.00002,
    "flex_million_executions": 0.5,
    "model_million_input_tokens": 2.0,
    "model_million_cached_tokens": 0.5,
    "model_million_output_tokens": 8.0,
    "logs_gb": 2.0,
    "fixed_front_door_month": 35.0,
    "fixed_private_endpoint_month": 7.5,
}
TABLE = Azure("2026-01", "here", "USD", "made up", PRICES, capacity.azure().limits)
# 86,400 alerts a day are one a second: half of them repeats, and one in ten of the others opens an incident.
ONE_A_SECOND = Load(
    tenants=100,
    alerts_per_day=86_400,
    peak_alerts_per_second=10,
    duplicate_share=0.5,
    incident_share=0.1,
    alerts_per_delivery=1,
    api_calls_per_incident=0,
    input_tokens=10_000,
    cached_share=0.5,
    output_tokens=1_000,
)


def test_request_units_are_those_of_each_kind_of_alert_and_of_the_checks() -> None:
    asked = capacity.demand(ONE_A_SECOND, MEASURED, 1.0)
    # 0.5 repeats of 1, 0.45 new ones of 20, 0.05 incidents of 500; 100 tenants with 3 checks in 300 s, of 15.
    assert asked.request_units == pytest.approx(0.5 + 9.0 + 25.0 + 15.0)
    assert (asked.incidents, asked.checks, asked.deliveries) == pytest.approx((0.05, 1.0, 1.0))


def test_a_message_is_three_operations() -> None:
    asked = capacity.demand(ONE_A_SECOND, MEASURED, 1.0)
    # Measured are puts and deletes: 0.45 alerts of 2 and 0.05 incidents of 6, so 0.6 messages, and one check.
    assert asked.queue_operations == pytest.approx((0.6 + 1.0) * 3)


def test_what_a_delivery_costs_is_shared_by_its_alerts() -> None:
    alone, of_17 = replace(NOTHING, request_units=66.0), replace(NOTHING, request_units=18.0)
    # 66 = a + b and 18 = a + b / 17, so a = 15 and b = 51.
    assert capacity.in_deliveries_of(1, alone, of_17).request_units == pytest.approx(66)
    assert capacity.in_deliveries_of(17, alone, of_17).request_units == pytest.approx(18)
    assert capacity.in_deliveries_of(51, alone, of_17).request_units == pytest.approx(16)


def test_instances_follow_from_cores_and_from_what_waits_at_once() -> None:
    asked = capacity.demand(ONE_A_SECOND, MEASURED, 1.0)
    busy = capacity.instances(asked)
    assert busy["signals"] == pytest.approx(0.45 * 0.1 / 0.6)
    assert busy["context"] == pytest.approx(0.05 * 0.6 / 0.6)
    assert busy["hypotheses"] == pytest.approx(0.05 * 10 / 4)


def test_rare_work_keeps_an_instance_awake_for_a_part_of_the_time() -> None:
    awake = capacity.active(capacity.demand(ONE_A_SECOND, MEASURED, 1.0))
    assert awake["signals"] == pytest.approx(1 - exp(-1.0))
    assert awake["context"] == pytest.approx(1 - exp(-0.05 * 4))


def test_nothing_arrives_and_prods_instances_stay_ready() -> None:
    idle = capacity.demand(replace(ONE_A_SECOND, tenants=0), MEASURED, 0.0)
    assert capacity.always_ready(idle) == capacity.READY
    assert all(one == 0 for one in capacity.active(idle).values())


def test_always_ready_instances_are_those_of_the_stage_prod() -> None:
    stages = json.loads((capacity.FILE.parents[1] / "infra" / "stages.json").read_text(encoding="utf-8"))
    functions = stages["prod"]["functions"]
    ready = {one["name"].removeprefix("function:"): one["instanceCount"] for one in functions["alwaysReady"]}
    assert ready == {group: count for group, count in capacity.READY.items() if count}
    assert functions["memoryMb"] == capacity.INSTANCE_GB * 1024
    assert stages["prod"]["model"]["capacity"] * 1000 == capacity.azure().limits["model_tokens_per_minute"]


def test_what_runs_at_once_is_what_the_host_and_the_settings_say() -> None:
    host = json.loads((capacity.FILE.parents[1] / "host.json").read_text(encoding="utf-8"))
    queues = host["extensions"]["queues"]
    assert queues["batchSize"] + queues["newBatchThreshold"] == capacity.CONTEXTS_AT_ONCE
    example = json.loads((capacity.FILE.parents[1] / "local.settings.example.json").read_text(encoding="utf-8"))
    assert example["Values"]["MODEL_CALLS_AT_ONCE"] == str(capacity.QUESTIONS_AT_ONCE)


@pytest.mark.parametrize(
    ("peak", "gb", "maximum"),
    [(0, 0, 1000), (833, 0, 1000), (834, 0, 2000), (9_000, 0, 11_000), (834, 1_000, 10_000)],
)
def test_the_autoscale_maximum_is_a_fifth_above_the_peak_and_ten_a_gigabyte(
    peak: float, gb: float, maximum: int
) -> None:
    assert capacity.autoscale_maximum(peak, gb) == maximum


@pytest.mark.parametrize(
    ("maximum", "gb", "partitions"),
    [(1_000, 1, 1), (10_000, 50, 1), (11_000, 50, 2), (1_000, 51, 2), (20_000, 500, 10)],
)
def test_physical_partitions_follow_from_throughput_and_from_size(maximum: float, gb: float, partitions: int) -> None:
    assert capacity.physical_partitions(maximum, gb, TABLE) == partitions


def test_a_tenants_throughput_is_its_partitions_part_which_shrinks_as_data_grows() -> None:
    def allowed(kept_days: float) -> float:
        load = replace(ONE_A_SECOND, kept_days=kept_days)
        average, peak = (capacity.demand(load, MEASURED, rate) for rate in (1.0, 10.0))
        return limits(load, average, peak, TABLE)[0].allowed

    # 3,650 days are 2,425 GB of 50: 49 partitions share ten a GB.
    assert allowed(3_650) == pytest.approx(25_000 / 49)
    assert allowed(1) == 1000


def test_storage_is_what_lives_at_once_with_its_indexes() -> None:
    asked = capacity.demand(ONE_A_SECOND, MEASURED, 1.0)
    claims = (0.45 * 1000 + 0.05 * 5000) * 86_400 * 90
    kept = (0.45 * 2000 + 0.05 * 100_000) * 86_400 * 365
    assert capacity.stored_gb(ONE_A_SECOND, asked) == pytest.approx(1.3 * (claims + kept) / 1e9)


def test_the_bill_by_hand() -> None:
    found = answer(ONE_A_SECOND, MEASURED, TABLE)
    bill, month = found.monthly_cost, 730 * 3600
    # 249 GB want a maximum of 3,000, of which a tenth is the least; the peak is ten times 34.5 and the checks' 15.
    assert bill["Cosmos DB, throughput"] == pytest.approx((2 * 360 + 22 * 300) / 24 / 100 * 730 * 0.01)
    # 5,000 fresh tokens, 5,000 cached ones and 1,000 of an answer are 0.0205.
    assert bill["model"] == pytest.approx(0.05 * month * 0.0205)
    assert bill["Front Door and private endpoints"] == pytest.approx(35 + 6 * 7.5)
    assert bill["functions, executions"] == pytest.approx((2 + 0.1 + 1) * month / 1e6 * 0.5)
    assert bill["blobs"] == pytest.approx(month * 1.0 / 10_000 * 0.1 + 2000 * 86_400 * 30 / 1e9 * 0.02)
    assert found.total == pytest.approx(sum(bill.values()))


def test_gb_seconds_by_hand() -> None:
    memory = capacity.gb_seconds(capacity.demand(ONE_A_SECOND, MEASURED, 1.0))
    month = 2 * 730 * 3600
    awake = {"http": 1 - exp(-1), "signals": 1 - exp(-1), "context": 1 - exp(-0.2), "hypotheses": 1 - exp(-0.5)}
    assert memory.ready == pytest.approx(5 * month)
    assert memory.ready_busy == pytest.approx(sum(awake.values()) * month)
    # Only the checks have no instance that is ready: one a second, of one second.
    assert memory.on_demand == pytest.approx((1 - exp(-1)) * month)


def test_instances_that_are_ready_cost_while_idle_and_more_while_busy() -> None:
    quiet = replace(ONE_A_SECOND, tenants=0, alerts_per_day=1e-9)
    bill = answer(quiet, MEASURED, TABLE).monthly_cost
    assert bill["functions, always ready"] == pytest.approx(5 * 2 * 730 * 3600 * 0.000004, rel=1e-3)
    assert bill["functions, on demand"] == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("tenants", 1_000),
        ("alerts_per_day", 864_000),
        ("peak_alerts_per_second", 1_000),
        ("incident_share", 0.5),
        ("input_tokens", 100_000),
        ("output_tokens", 9_000),
        ("kept_days", 3_650),
    ],
)
def test_more_of_anything_costs_more(name: str, more: float) -> None:
    changed = replace(ONE_A_SECOND, **{name: more})
    assert answer(changed, MEASURED, TABLE).total > answer(ONE_A_SECOND, MEASURED, TABLE).total


@pytest.mark.parametrize(("name", "more"), [("duplicate_share", 0.9), ("cached_share", 0.9)])
def test_more_repeats_and_more_of_a_prompt_that_is_cached_cost_less(name: str, more: float) -> None:
    changed = replace(ONE_A_SECOND, **{name: more})
    assert answer(changed, MEASURED, TABLE).total < answer(ONE_A_SECOND, MEASURED, TABLE).total


def test_larger_deliveries_ask_for_no_more_of_the_store() -> None:
    grouped = replace(ONE_A_SECOND, alerts_per_delivery=10)
    kept = load()
    assert capacity.demand(grouped, kept, 1).request_units < capacity.demand(ONE_A_SECOND, kept, 1).request_units


def test_a_limit_is_near_before_it_is_reached() -> None:
    average, peak = (capacity.demand(ONE_A_SECOND, MEASURED, rate) for rate in (1.0, 10.0))
    named = {one.name: one for one in limits(ONE_A_SECOND, average, peak, TABLE)}
    model = named["tokens a minute of the model"]
    assert model.asked == pytest.approx(0.5 * 60 * 11_000)
    assert model.used == pytest.approx(1.32)
    assert model.is_near
    assert not named["messages of the queue signals"].is_near
    assert named["checks a minute"].asked == pytest.approx(100 * 3 / 5)


@pytest.mark.parametrize("size", sorted(SIZES))
def test_each_worked_size_has_an_answer_that_json_can_tell(size: str) -> None:
    found = answer(SIZES[size], load(), capacity.azure())
    told = json.loads(json.dumps(found.as_dict()))
    assert told["total"] > 0
    assert told["average"]["request_units"] <= told["peak"]["request_units"] <= told["autoscale_maximum"]


def test_prices_are_told_with_a_date_a_region_and_a_warning() -> None:
    table = capacity.azure()
    assert table.as_of
    assert table.region
    assert "check" in table.note
    assert set(table.prices) == set(PRICES)


def test_the_documents_table_is_what_the_model_says() -> None:
    answers = {name: answer(size, load(), capacity.azure()) for name, size in SIZES.items()}
    page = (capacity.FILE.parents[1] / "docs" / "capacity.md").read_text(encoding="utf-8")
    assert [row for row in worked_sizes(answers) if row not in page] == []


def test_the_document_tells_every_price_and_limit_of_the_table() -> None:
    table = capacity.azure()
    page = (capacity.FILE.parents[1] / "docs" / "capacity.md").read_text(encoding="utf-8")
    told = {name: f"{value:.6f}".rstrip("0").rstrip(".") for name, value in {**table.prices, **table.limits}.items()}
    rows = [f"| `{name}` | {value} |" for name, value in told.items()]
    assert [row for row in rows if row not in page] == []
    assert f"{table.region}, {table.currency}, {table.as_of}" in page
