"""Who is suspected, and who is not."""

import random

import pytest

from shared.hypotheses.answer import ranked_set
from shared.hypotheses.rank import RANKER_VERSION
from shared.hypotheses.scene import scene_of
from shared.hypotheses.suspects import Suspected, suspects_of
from shared.models.evidence import ChangeEvidence
from shared.models.hypotheses import Conclusion, HypothesisSet
from shared.models.measures import Metric
from shared.models.snapshots import Section, SectionName, SectionStatus, SnapshotBody
from tests.builders import NOON
from tests.unit.hypotheses.scenes import World, a_snapshot_of

SHOP = {"frontend": {"checkout": 12.0, "catalog": 30.0}, "checkout": {"payment": 8.0}, "payment": {"db": 8.0}}
RATES = {"frontend": 40.0, "checkout": 12.0, "payment": 8.0, "catalog": 30.0, "db": 8.0}


def the_shop(alerting: str) -> World:
    return World(alerting, SHOP, dict(RATES))


def suspects(world: World) -> list[Suspected]:
    return suspects_of(scene_of(world.body()))


def answer(world: World) -> HypothesisSet:
    return ranked_set(a_snapshot_of(world.body()), now=NOON)


def a_bad_deploy_and_a_decoy(alerting: str) -> World:
    world = the_shop(alerting).deploy("catalog", -35).deploy("payment", -1)
    world.errors("payment", 0.45).errors("checkout", 0.28, 1).errors("frontend", 0.08, 2)
    world.failed = {("checkout", "payment"): 0.45, ("frontend", "checkout"): 0.28}
    return world


@pytest.mark.parametrize("alerting", ["payment", "checkout", "frontend"])
def test_the_bad_deploy_of_a_callee_is_first_whoever_alerts_and_the_decoy_is_not_suspected(alerting: str) -> None:
    found = answer(a_bad_deploy_and_a_decoy(alerting))
    first = found.hypotheses[0]
    assert first.suspected_service == "payment"
    cited = [one for one in a_bad_deploy_and_a_decoy(alerting).body().evidence() if one.id == first.suspected_change]
    assert [one.service for one in cited if isinstance(one, ChangeEvidence)] == ["payment"]
    assert first.suspected_change in first.supporting
    assert "catalog" not in {one.suspected_service for one in found.hypotheses}


def test_the_alerting_services_own_deploy_is_first_when_its_callees_are_healthy() -> None:
    found = suspects(the_shop("checkout").deploy("checkout", -5).errors("checkout", 0.3).errors("frontend", 0.09, 1))
    assert (found[0].service, found[0].deploy is not None) == ("checkout", True)


def test_a_deploy_after_the_onset_is_not_a_cause() -> None:
    (first, *_) = suspects(the_shop("payment").errors("payment", 0.3).deploy("payment", 60))
    assert first.deploy is None
    assert first.factors["recent_change"] == 0


def test_a_slow_database_two_hops_down_is_first() -> None:
    world = the_shop("frontend").move("db", Metric.LATENCY_P95, 0.01, 0.9)
    world.move("payment", Metric.LATENCY_P95, 0.05, 0.95, 1).move("checkout", Metric.LATENCY_P95, 0.1, 1.0, 2)
    world.move("frontend", Metric.LATENCY_P95, 0.1, 1.0, 2)
    assert suspects(world)[0].service == "db"


def test_a_tiny_wobble_of_a_callee_does_not_exonerate_its_caller() -> None:
    world = the_shop("checkout").errors("checkout", 0.5).errors("payment", 0.03)
    assert suspects(world)[0].service == "checkout"


def test_a_callee_whose_change_is_far_too_small_for_the_alert_is_not_its_cause_in_spite_of_a_deploy() -> None:
    world = the_shop("payment").move("payment", Metric.LATENCY_P95, 0.1, 20.0)
    world.move("db", Metric.LATENCY_P95, 0.01, 0.9).deploy("db", -5)
    assert suspects(world)[0].service == "payment"


def test_a_small_change_of_a_callee_that_is_called_many_times_a_request_is_the_cause() -> None:
    world = World("payment", {"payment": {"db": 120.0}}, {"payment": 8.0, "db": 120.0})
    world.move("payment", Metric.LATENCY_P95, 0.1, 3.0).move("db", Metric.LATENCY_P95, 0.01, 0.2)
    assert [one.service for one in suspects(world)] == ["db"]


def test_the_share_that_callees_account_for_is_told_as_it_is() -> None:
    world = the_shop("checkout").errors("checkout", 0.5).errors("payment", 0.3)
    first = answer(world).hypotheses[0]
    own = next(one for one in answer(world).hypotheses if one.suspected_service == "checkout")
    # Eight in twelve of its requests call payment, of which three in ten fail: 0.2 of 0.5.
    assert "accounts for 40 % of its change" in own.mechanism or "accounts for 40% of its change" in own.mechanism
    assert first.factors.keys() >= {"own_movement", "explained_by_callees", "within_reach", "moved_first"}


def test_with_few_requests_the_bar_is_higher() -> None:
    busy, idle = the_shop("payment"), the_shop("payment")
    idle.rates["payment"] = 0.05
    assert suspects(busy.errors("payment", 0.1))
    assert not suspects(idle.errors("payment", 0.1))


def test_the_answer_says_which_ranker_gave_it() -> None:
    assert answer(the_shop("payment")).ranker_version == RANKER_VERSION


def test_a_callee_that_moved_long_after_its_caller_does_not_explain_it() -> None:
    world = the_shop("checkout").errors("checkout", 0.3).errors("payment", 0.4, 120)
    assert suspects(world)[0].service == "checkout"


def test_a_dead_dependency_is_named_though_it_says_nothing_itself() -> None:
    world = the_shop("payment").errors("payment", 1.0).errors("checkout", 0.65, 1)
    world.silent = {"db"}
    world.failed = {("payment", "db"): 1.0, ("checkout", "payment"): 1.0}
    first = answer(world).hypotheses[0]
    assert first.suspected_service == "db"
    assert "does not answer" in first.claim


def test_a_dead_dependency_is_found_behind_a_service_that_nobody_measures() -> None:
    world = the_shop("checkout").errors("checkout", 0.65)
    world.silent = {"payment", "db"}
    world.failed = {("checkout", "payment"): 0.95, ("payment", "db"): 1.0}
    assert [one.service for one in suspects(world)][:1] == ["db"]


def test_a_failing_callee_is_found_behind_a_service_that_nobody_measures() -> None:
    world = the_shop("frontend").errors("payment", 0.5).errors("frontend", 0.1, 1)
    world.silent = {"checkout"}
    assert [one.service for one in suspects(world)] == ["payment"]


def test_unmeasured_services_that_call_each_other_in_a_circle_do_not_matter() -> None:
    calls = {"entry": {"a": 8.0}, "a": {"b": 8.0}, "b": {"a": 1.0}}
    world = World("entry", calls, {"entry": 8.0}).errors("entry", 0.4)
    world.silent = {"a", "b"}
    assert [one.service for one in suspects(world)] == ["entry"]


def test_a_dead_dependency_of_many_callers_cites_its_deploy_too() -> None:
    callers = [f"caller-{number}" for number in range(12)]
    world = World(callers[0], {caller: {"db": 5.0} for caller in callers}).deploy("db", -5)
    world.silent = {"db"}
    for caller in callers:
        world.errors(caller, 0.9)
        world.failed[caller, "db"] = 1.0
    first = answer(world).hypotheses[0]
    assert first.suspected_service == "db"
    assert first.suspected_change in first.supporting


def test_traffic_that_falls_behind_a_failing_caller_ranks_below_it_and_blames_no_deploy() -> None:
    world = the_shop("checkout").errors("checkout", 0.5).move("payment", Metric.REQUEST_RATE, 8, 4)
    first, second = suspects(world.deploy("payment", -5))
    assert (first.service, second.service) == ("checkout", "payment")
    assert second.deploy is None


def test_a_surge_at_the_entry_explains_latency_behind_it() -> None:
    world = the_shop("frontend").move("frontend", Metric.REQUEST_RATE, 40, 400, -10)
    world.move("frontend", Metric.LATENCY_P95, 0.05, 0.07)
    first = answer(world).hypotheses[0]
    assert first.suspected_service == "frontend"
    assert "surge" in first.claim


def test_nothing_beyond_normal_is_said_to_be_nothing() -> None:
    found = answer(the_shop("payment").deploy("payment", -5))
    assert (found.conclusion, found.hypotheses) == (Conclusion.NO_EVIDENCE, ())
    assert found.next_steps


@pytest.mark.parametrize("status", [SectionStatus.FAILED, SectionStatus.NOT_CONFIGURED])
def test_what_could_not_be_measured_is_never_read_as_health(status: SectionStatus) -> None:
    world = the_shop("payment")
    world.statuses = dict.fromkeys([name for name in SectionName if name is not SectionName.ALERTS], status)
    found = answer(world)
    assert (found.conclusion, found.hypotheses) == (Conclusion.NOT_MEASURED, ())
    assert "traffic (" in found.next_steps[0]


def renamed(body: SnapshotBody, names: dict[str, str]) -> SnapshotBody:
    text = body.model_dump_json()
    for old, new in names.items():
        text = text.replace(f'"{old}"', f'"{new}"')
    return SnapshotBody.model_validate_json(text)


def test_names_and_order_of_evidence_decide_nothing() -> None:
    body = a_bad_deploy_and_a_decoy("frontend").body()
    names = {"frontend": "zz", "checkout": "aa", "payment": "mm", "catalog": "bb", "db": "cc"}
    other = renamed(body, names)
    shuffled = other.model_copy(update={"sections": tuple(_shuffled(section) for section in other.sections)})
    before = [(names[one.service], one.score) for one in suspects_of(scene_of(body))]
    assert [(one.service, one.score) for one in suspects_of(scene_of(shuffled))] == before


def _shuffled(section: Section) -> Section:
    pieces = list(section.evidence)
    random.Random(7).shuffle(pieces)
    return section.model_copy(update={"evidence": tuple(pieces)})


def a_random_world(chance: random.Random) -> tuple[World, str]:
    """A random graph of callers before callees, a fault that travels up with loss and delay, and decoy deploys."""
    names = [f"s{number}" for number in range(chance.randrange(6, 13))]
    calls: dict[str, dict[str, float]] = {name: {} for name in names}
    for at, name in enumerate(names[1:], start=1):
        for caller in chance.sample(names[:at], k=min(at, chance.choice((1, 1, 2)))):
            calls[caller][name] = chance.uniform(3, 12)
    rates = {name: sum(callees.get(name, 0.0) for callees in calls.values()) or 20.0 for name in names}
    world = World(names[0], calls, rates)
    root = chance.choice(names)
    metric = chance.choice((Metric.ERROR_RATIO, Metric.LATENCY_P95))
    _spread(world, root, metric, chance)
    world.alerting = chance.choice([name for name, moved in world.moves if moved is metric])
    if chance.random() < 0.5:
        world.deploy(root, -chance.uniform(0, 60))
    for decoy in chance.sample(names, k=2):
        if decoy != root:
            world.deploy(decoy, -chance.uniform(5, 300))
    return world, root


def _spread(world: World, root: str, metric: Metric, chance: random.Random) -> None:
    usual = 0.0 if metric is Metric.ERROR_RATIO else 0.05
    moved = {root: (chance.uniform(0.3, 0.9), 0.0)}
    waiting = [root]
    while waiting:
        callee = waiting.pop(0)
        change, at = moved[callee]
        for caller, callees in world.calls.items():
            if callee in callees and caller not in moved:
                share = min(1.0, callees[callee] / world.rates[caller]) if metric is Metric.ERROR_RATIO else 1.0
                moved[caller] = (change * share * chance.uniform(0.8, 1.0), at + chance.uniform(0, 3))
                waiting.append(caller)
    for service, (change, at) in moved.items():
        if change > 0.03:
            world.move(service, metric, usual, usual + change, at)


def test_the_root_is_first_in_nearly_every_random_system_whatever_was_deployed_beside() -> None:
    hits = 0
    for seed in range(200):
        world, root = a_random_world(random.Random(seed))
        found = suspects(world)
        hits += bool(found) and found[0].service == root
    assert hits >= 190, f"{hits} of 200"
