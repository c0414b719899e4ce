"""What the demo prints: every piece of evidence in the words that the snapshot has for it."""

from io import StringIO

from rich.console import Console

from dev.report import print_incident
from shared.models.base import SnapshotId
from shared.models.evidence import ChangeEvidence, RunbookEvidence, SloEvidence
from shared.models.snapshots import Section, SectionName, SectionStatus
from tests.builders import NOON

PIECES = (
    ChangeEvidence(id="E1", said="payment: version 1.5.0 at 11:58:00.", service="payment", at=NOON),
    RunbookEvidence(
        id="E2", said="The runbook fits.", service="payment", runbook_id="r", title="", excerpt="", score=1
    ),
    SloEvidence(
        id="E3", said="The budget burns.", service="payment", name="x", objective=0.9, period_days=1, told_by="sloth"
    ),
)

HELD = {"evidence_id": "E1", "path": "version", "operator": "==", "value": "1.5.0", "held": "true", "found": "1.5.0"}
NOT_RUN = {
    "query": "up[x]", "operator": "<", "value": 1.0, "verdict": "not_run", "found": None, "reason": "unparsable",
}  # fmt: skip


def printed(*statuses: SectionStatus) -> str:
    names = list(SectionName)
    sections = [
        Section(name=names[number], status=status, evidence=PIECES if not number else ()).model_dump(mode="json")
        for number, status in enumerate(statuses)
    ]
    hypothesis = {
        "claim": "It was the deploy.", "mechanism": "", "supporting": ["E1", "E2"], "contradicting": ["E3"],
        "factors": {}, "score": 0.9, "next_steps": [], "rank": 1, "suspected_service": "payment",
        "verified": {"held": 1, "of": 2}, "assertions": [HELD, {**HELD, "value": "2", "held": "false"}],
        "checks": [NOT_RUN], "caps": ["no_dependency_path"],
    }  # fmt: skip
    answer = {"hypotheses": [hypothesis], "generated_by": "ranker", "reason": "no_model", "elapsed_seconds": 0.0}
    incident = {"severity": "critical", "title": "payment", "signals": [], "hypotheses": answer}
    snapshot = {"id": SnapshotId("snap-1"), "sections": sections, "elapsed_seconds": 1.0}
    out = StringIO()
    print_incident(Console(file=out, width=200), incident, snapshot, others=[], moments={})
    return out.getvalue()


def test_whatever_a_hypothesis_cites_is_told_in_its_own_sentence() -> None:
    text = printed(SectionStatus.OK)
    assert all(piece.said in text for piece in PIECES)


def test_what_was_checked_is_told_with_what_did_not_hold() -> None:
    text = printed(SectionStatus.OK)
    assert "verified 1 of 2" in text
    assert "E1 version == 2: 1.5.0" in text
    assert "not_run (unparsable): up[x] < 1" in text
    assert "capped: no_dependency_path" in text


def test_every_status_of_a_section_can_be_shown() -> None:
    assert all(status.value in printed(*SectionStatus) for status in SectionStatus)
