"""Checks are asked within a deadline, and never cost the answer that they are about."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime

import pytest

from shared.adapters.memory.services import services_in_memory
from shared.errors import AddressRefused, CopilotError, KeysUnavailable, SecretUnreadable, SourceUnavailable
from shared.hypotheses.checks import NotRun, proposed
from shared.hypotheses.proposal import ModelCheck, ModelHypotheses
from shared.models.base import TenantId
from shared.models.hypotheses import CheckVerdict, Hypothesis, HypothesisSet, Operator
from shared.pipeline.checking import AT_ONCE, run_checks
from shared.pipeline.hypothesise import answered
from shared.ports.metrics import Answer, MetricsSource
from shared.ports.services import Services
from tests.builders import ACME, NOON, a_hypothesis_set
from tests.unit.context.fake_source import FakeSource, samples
from tests.unit.pipeline.asking_models import RANKED, SNAPSHOT, CountingModel, a_proposal


@dataclass
class Sources:
    """The Prometheus of ACME, or what happens when it is looked for."""

    found: MetricsSource | CopilotError | None

    async def of_tenant(self, tenant_id: TenantId) -> MetricsSource | None:
        assert tenant_id == ACME
        if isinstance(self.found, CopilotError):
            raise self.found
        return self.found


def services_with(found: MetricsSource | CopilotError | None) -> Services:
    return replace(services_in_memory(), metrics=Sources(found))


def an_answer(*queries: str) -> HypothesisSet:
    checks = [ModelCheck(query=query, operator=Operator.MORE, value=3, because="") for query in queries]
    hypotheses = tuple(
        Hypothesis(
            rank=at + 1, claim="it fails", suspected_service="payment", mechanism="", supporting=("E1",), score=0.5,
            checks=proposed(checks[3 * at : 3 * at + 3]),
        )
        for at in range(-(-len(checks) // 3))
    )  # fmt: skip
    return a_hypothesis_set(hypotheses=hypotheses)


async def outcome(found: MetricsSource | CopilotError | None, *queries: str, seconds: float = 5.0) -> list[str]:
    answer = await run_checks(ACME, an_answer(*queries), services_with(found), at=NOON, deadline_seconds=seconds)
    return [check.reason or check.verdict.value for one in answer.hypotheses for check in one.checks]


async def test_each_check_comes_back_with_what_was_found() -> None:
    source = FakeSource(rules=[("up_a", samples(({}, 5.0))), ("up_b", samples(({}, 1.0)))])
    assert await outcome(source, "up_a", "up_b", "up_c") == ["supported", "refuted", "empty"]


async def test_nobody_is_asked_where_nothing_waits() -> None:
    answer = an_answer("up[")
    assert await run_checks(ACME, answer, services_with(KeysUnavailable("no")), at=NOON) == answer


@dataclass
class Clock(FakeSource):
    """Remembers for when it was asked, and how many questions it had at a time."""

    times: set[datetime] = field(default_factory=set)
    now: int = 0
    most: int = 0

    async def query(self, promql: str, *, at: datetime, max_series: int = 500) -> Answer:
        self.times.add(at)
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0)
        self.now -= 1
        return await super().query(promql, at=at, max_series=max_series)


async def test_they_are_asked_for_the_end_of_the_window_a_few_at_a_time() -> None:
    source = Clock()
    await outcome(source, *(f"up_{n}" for n in range(9)))
    assert (source.times, source.most, len(source.asked)) == ({NOON}, AT_ONCE, 9)


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (None, NotRun.NOT_CONFIGURED),
        (SecretUnreadable("no"), NotRun.SOURCE_FAILED),
        (KeysUnavailable("no"), NotRun.SOURCE_FAILED),
        (FakeSource(rules=[("up", SourceUnavailable("no", reason="connect"))]), NotRun.SOURCE_FAILED),
        (FakeSource(rules=[("up", SourceUnavailable("no", reason="bad_query"))]), NotRun.SOURCE_FAILED),
        (FakeSource(rules=[("up", SourceUnavailable("no", reason="timeout"))]), NotRun.TIMED_OUT),
        (FakeSource(rules=[("up", AddressRefused("no"))]), NotRun.SOURCE_FAILED),
    ],
)
async def test_a_source_that_is_not_there_or_fails_refutes_nothing(
    found: MetricsSource | CopilotError | None, why: NotRun
) -> None:
    answer = await run_checks(ACME, an_answer("up"), services_with(found), at=NOON)
    (check,) = answer.hypotheses[0].checks
    assert (check.verdict, check.reason, answer.hypotheses[0].score) == (CheckVerdict.NOT_RUN, why, 0.5)


async def test_a_source_that_hangs_costs_the_deadline_and_no_other_check() -> None:
    source = FakeSource(rules=[("up_a", asyncio.Event()), ("up_b", samples(({}, 5.0)))])
    assert await outcome(source, "up_a", "up_b", seconds=0.02) == ["timed_out", "supported"]


async def test_a_model_cannot_predict_the_rankers_first_suspect_away() -> None:
    never = ModelCheck(query="up_a", operator=Operator.MORE, value=1e9, because="")
    model = CountingModel(ModelHypotheses(hypotheses=[a_proposal(checks=[never])]))
    services = services_with(FakeSource(rules=[("up_a", samples(({}, 1.0)))]))
    found = (await answered(SNAPSHOT, RANKED, model, services, now=NOON)).answer
    first, *others = found.hypotheses
    assert (first.suspected_service, first.score, first.confidence) == (
        RANKED.hypotheses[0].suspected_service,
        RANKED.hypotheses[0].score,
        pytest.approx(RANKED.hypotheses[0].confidence, abs=0.05),
    )
    assert [(one.suspected_service, one.caps) for one in others] == [("payment", ("check_refuted",))]
