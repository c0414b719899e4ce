"""A snapshot of a bad deploy whose every piece has its sentence, as the freezing gives it."""

from typing import Any

from shared.context.sentences import sentence_of
from shared.hypotheses.answer import ranked_set
from shared.hypotheses.proposal import ModelAssertion
from shared.hypotheses.prose import ModelProse, ModelSentence
from shared.models.evidence import ChangeEvidence, Evidence, SeriesEvidence
from shared.models.hypotheses import Operator
from shared.models.measures import Metric
from shared.models.snapshots import SnapshotBody
from tests.builders import NOON
from tests.unit.hypotheses.scenes import a_snapshot_of
from tests.unit.hypotheses.test_ranking import a_bad_deploy_and_a_decoy


def told(body: SnapshotBody) -> SnapshotBody:
    """The body with each piece's sentence."""
    sections = [
        section.model_copy(
            update={"evidence": tuple(one.model_copy(update={"said": sentence_of(one)}) for one in section.evidence)}
        )
        for section in body.sections
    ]
    return body.model_copy(update={"sections": tuple(sections)})


SNAPSHOT = a_snapshot_of(told(a_bad_deploy_and_a_decoy("checkout").body()))
BODY = SNAPSHOT.body
RANKED = ranked_set(SNAPSHOT, now=NOON)


def piece_of(service: str, metric: Metric | None = None) -> Evidence:
    """A service's series of a metric, or its deploy."""
    kind = SeriesEvidence if metric else ChangeEvidence
    return next(
        one
        for one in BODY.evidence()
        if isinstance(one, kind) and one.service == service and (metric is None or one.metric is metric)
    )


PAYMENT_ERRORS = piece_of("payment", Metric.ERROR_RATIO).id
CHECKOUT_ERRORS = piece_of("checkout", Metric.ERROR_RATIO).id
CATALOG_ERRORS = piece_of("catalog", Metric.ERROR_RATIO).id
PAYMENT_DEPLOY, CATALOG_DEPLOY = piece_of("payment").id, piece_of("catalog").id


def a_sentence(text: str = "payment fails 45 % of its requests.", *cited: str, **changes: Any) -> ModelSentence:
    """A sentence of the model's; it cites payment's errors unless it is told what to."""
    return ModelSentence(**{"text": text, "supporting": list(cited or [PAYMENT_ERRORS]), "assertions": [], **changes})


def prose(*sentences: ModelSentence) -> ModelProse:
    """A model's answer."""
    return ModelProse(sentences=list(sentences))


def an_assertion(path: str = "movement.current", value: str = "0.45", **changes: Any) -> ModelAssertion:
    """A statement about payment's errors."""
    fields: dict[str, Any] = {
        "evidence_id": PAYMENT_ERRORS,
        "path": path,
        "operator": Operator.EQUAL,
        "value": value,
        "window_start": None,
        "window_end": None,
    }
    return ModelAssertion(**{**fields, **changes})
