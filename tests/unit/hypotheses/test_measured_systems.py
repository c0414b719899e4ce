"""The ranker on what is really measured: noisy counts, smeared rates, and onsets found in them."""

import pytest

from shared.hypotheses.scene import scene_of
from shared.hypotheses.suspects import suspects_of
from tests.unit.hypotheses.measured import Fault, System, a_system, break_one

# A sweep: what it runs is covered by the tests of single cases, and measured it would take three times as long.
pytestmark = pytest.mark.no_cover

SEEDS = range(200)
SOME_SEEDS = range(200, 260)
ENOUGH = 0.95


def suspected(system: System) -> list[str]:
    return [one.service for one in suspects_of(scene_of(system.body()))]


@pytest.mark.parametrize("fault", Fault)
def test_the_root_is_first_in_nearly_every_measured_system(fault: Fault) -> None:
    missed = []
    for seed in SEEDS:
        system = a_system(seed)
        root = break_one(system, fault)
        assert root is not None, "the fault pages somebody"
        if suspected(system)[:1] != [root]:
            missed.append(seed)
    assert len(missed) <= (1 - ENOUGH) * len(SEEDS), f"seeds {missed}"


def test_nearly_every_measured_system_in_which_nothing_is_wrong_stays_silent() -> None:
    loud = [seed for seed in SEEDS if suspected(a_system(seed))]
    assert len(loud) <= (1 - ENOUGH) * len(SEEDS), f"seeds {loud}"


@pytest.mark.parametrize("fault", Fault)
def test_the_root_is_found_although_nobody_measures_some_of_those_between(fault: Fault) -> None:
    missed = []
    for seed in SOME_SEEDS:
        system = a_system(seed)
        root = break_one(system, fault)
        for name in system.services:
            if name not in {root, system.alerting} and system.chance.random() < 0.2:
                system.unmeasured.add(name)
        if suspected(system)[:1] != [root]:
            missed.append(seed)
    assert len(missed) <= (1 - ENOUGH) * len(SOME_SEEDS), f"seeds {missed}"


@pytest.mark.parametrize("fault", Fault)
def test_a_bystander_with_a_few_errors_and_a_deploy_of_its_own_does_not_hide_the_root(fault: Fault) -> None:
    missed = []
    for seed in SOME_SEEDS:
        system = a_system(seed)
        root = break_one(system, fault)
        bystander = system.services[system.deploys[0][0]]
        if not bystander.is_silent and not bystander.added_errors and not bystander.added_latency:
            bystander.added_errors = 0.03
        if suspected(system)[:1] != [root]:
            missed.append(seed)
    assert len(missed) <= (1 - ENOUGH) * len(SOME_SEEDS), f"seeds {missed}"
