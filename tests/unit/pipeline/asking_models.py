"""An incident whose snapshot waits for a model, and a model that answers what it is told to and counts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from shared.adapters.memory import MemoryQueues, services_in_memory
from shared.errors import ModelUnavailable
from shared.hypotheses.answer import ranked_set
from shared.hypotheses.proposal import ModelHypotheses, ModelHypothesis
from shared.hypotheses.refine import final_id
from shared.messages import Hypothesise, QueueName
from shared.models.base import ReceiptId, SnapshotId
from shared.models.evidence import SeriesEvidence
from shared.models.hypotheses import HypothesisSet
from shared.models.incidents import Incident
from shared.models.spending import ModelTerms, SpendingDay
from shared.pipeline.stages import Ending
from shared.pipeline.table import attend_queue
from shared.ports.model import AnswerT, ModelAnswer, Prompt
from shared.ports.services import Services
from shared.ports.stores import IncidentChange
from tests.builders import ACME, NOON, an_incident
from tests.unit.hypotheses.scenes import a_snapshot_of
from tests.unit.hypotheses.test_ranking import a_bad_deploy_and_a_decoy

SNAPSHOT = a_snapshot_of(a_bad_deploy_and_a_decoy("checkout").body())
INCIDENT = SNAPSHOT.incident_id
RANKED = ranked_set(SNAPSHOT, now=NOON)
MESSAGE = Hypothesise(
    tenant_id=ACME,
    receipt_id=ReceiptId("rcp-1"),
    correlation_id="cor-1",
    incident_id=SNAPSHOT.incident_id,
    snapshot_id=SnapshotId(SNAPSHOT.id),
)
TERMS = ModelTerms(deployment="gpt", price_input=1.0, price_cached=0.5, price_output=10.0, daily_budget=5.0)
COST = (1000 * 1.0 + 500 * 0.5 + 200 * 10.0) / 1_000_000
"""Of one answer of the model below."""


def a_proposal(service: str = "payment", **changes: Any) -> ModelHypothesis:
    """A hypothesis that cites a series of the service that it suspects."""
    cited = next(
        one.id for one in SNAPSHOT.body.evidence() if isinstance(one, SeriesEvidence) and one.service == service
    )
    fields: dict[str, Any] = {
        "claim": f"{service} fails since its deploy",
        "suspected_service": service,
        "suspected_change": None,
        "mechanism": "the new version is bad",
        "supporting": [cited],
        "contradicting": [],
        "similar_incidents": [],
        "assertions": [],
        "checks": [],
        "next_steps": ["roll back"],
    }
    return ModelHypothesis(**{**fields, **changes})


GOOD = ModelHypotheses(hypotheses=[a_proposal()])
HALF_GOOD = ModelHypotheses(hypotheses=[a_proposal(), a_proposal(supporting=["E999"])])
Said = ModelHypotheses | ModelUnavailable


class CountingModel:
    """Answers in turn what it was told to, the last of it for ever, and remembers what it was asked."""

    def __init__(self, *said: Said) -> None:
        self.said = list(said) or [GOOD]
        self.prompts: list[Prompt] = []

    async def ask(self, prompt: Prompt, shape: type[AnswerT], *, timeout_seconds: float) -> ModelAnswer[AnswerT]:
        """See Model."""
        said = self.said[min(len(self.prompts), len(self.said) - 1)]
        self.prompts.append(prompt)
        if isinstance(said, ModelUnavailable):
            raise said
        return ModelAnswer(shape.model_validate(said.model_dump()), "a-model", 1500, 500, 200)


async def waiting_for(model: CountingModel | None, terms: ModelTerms = TERMS, **incident: Any) -> Services:
    """Services with an incident, its snapshot and the ranking of it."""
    services = services_in_memory(model=model, terms=terms)
    opened = an_incident(incident_id=SNAPSHOT.incident_id, latest_snapshot_id=SNAPSHOT.id, **incident)
    change = IncidentChange(opened, None, snapshots=[SNAPSHOT], hypotheses=[RANKED])
    await services.incidents.commit(ACME, change)
    return services


async def also_waiting(services: Services, snapshot_id: str) -> None:
    """The same evidence in another snapshot of the incident, ranked: its latest."""
    twin, before = SNAPSHOT.model_copy(update={"id": snapshot_id}), await services.incidents.read(ACME, INCIDENT)
    assert before is not None
    moved = {"latest_snapshot_id": snapshot_id, "version": before.value.version + 1}
    after, ranked = before.value.model_copy(update=moved), ranked_set(twin, now=NOON)
    await services.incidents.commit(ACME, IncidentChange(after, before.etag, snapshots=[twin], hypotheses=[ranked]))


async def work(services: Services, message: Hypothesise = MESSAGE, *, now: datetime = NOON) -> Ending:
    """Attend the message once."""
    return await attend_queue(QueueName.HYPOTHESES, message.encode(), services, dequeue_count=1, now=now)


async def final(services: Services, snapshot_id: str = SNAPSHOT.id) -> HypothesisSet | None:
    """The final answer, once there is one."""
    return await services.incidents.hypotheses(ACME, INCIDENT, final_id(SnapshotId(snapshot_id)))


async def answers(services: Services) -> Sequence[HypothesisSet]:
    """Every answer given."""
    return await services.incidents.all_hypotheses(ACME, INCIDENT)


async def incident(services: Services) -> Incident:
    """The incident as it stands."""
    held = await services.incidents.read(ACME, INCIDENT)
    assert held is not None
    return held.value


async def today(services: Services) -> SpendingDay:
    """What was spent on the day of noon."""
    held = await services.spending.day(ACME, NOON.date())
    return held.value if held else SpendingDay.untouched(ACME, NOON.date(), "USD")


def sent_again(services: Services) -> list[tuple[Hypothesise, float]]:
    """The messages that wait in the queue, and for how long; takes them out."""
    queues = services.queues
    assert isinstance(queues, MemoryQueues)
    waiting = list(queues.waiting[QueueName.HYPOTHESES])
    queues.waiting[QueueName.HYPOTHESES].clear()
    return [(Hypothesise.decode(one.body), one.delay_seconds) for one in waiting]
