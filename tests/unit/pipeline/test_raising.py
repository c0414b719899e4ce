"""A burning error budget raises an incident's severity; people's decisions stand."""

from shared.context.burning import burn_rates
from shared.models.evidence import SloEvidence
from shared.models.incidents import Incident, TimelineEvent
from shared.models.signals import Severity
from shared.models.snapshots import Section, SectionName, SectionStatus, SnapshotBody
from shared.pipeline.raising import raised
from tests.builders import NOON, a_snapshot, an_incident


def looked_at(service: str, *error_ratios: float) -> SnapshotBody:
    ratios = dict(zip((300, 3600, 6 * 3600, 72 * 3600), error_ratios, strict=True))
    slo = SloEvidence(
        said="The budget burns.",
        service=service,
        name="availability",
        objective=0.999,
        period_days=30,
        burn_rates=burn_rates(ratios, 0.999),
        told_by="declared",
    )
    section = Section(name=SectionName.SLO, status=SectionStatus.OK, evidence=(slo,))
    return a_snapshot().body.model_copy(update={"sections": (section,)})


FAST, SLOW = (0.02, 0.02, 0.01, 0.002), (0.002, 0.002, 0.002, 0.002)


def severity_of(incident: Incident, body: SnapshotBody) -> Severity:
    return raised(incident, body, now=NOON)[0].severity


def test_a_fast_burning_budget_makes_a_warning_critical_and_says_so() -> None:
    incident = an_incident(severity=Severity.WARNING)
    after, told = raised(incident, looked_at(incident.service_name, *FAST), now=NOON)
    assert after.severity is Severity.CRITICAL
    assert [(one.event, one.text) for one in told] == [
        (TimelineEvent.SEVERITY_RAISED, "Raised from warning to critical: The budget burns.")
    ]


def test_a_slowly_burning_budget_makes_an_information_a_warning() -> None:
    incident = an_incident(severity=Severity.INFO)
    assert severity_of(incident, looked_at(incident.service_name, *SLOW)) is Severity.WARNING


def test_nothing_is_lowered() -> None:
    incident = an_incident(severity=Severity.CRITICAL)
    assert raised(incident, looked_at(incident.service_name, *SLOW), now=NOON) == (incident, [])


def test_a_persons_severity_stands() -> None:
    incident = an_incident(severity=Severity.INFO, severity_by="oid-erin")
    assert severity_of(incident, looked_at(incident.service_name, *FAST)) is Severity.INFO


def test_another_services_budget_raises_nothing() -> None:
    assert severity_of(an_incident(severity=Severity.INFO), looked_at("stranger", *FAST)) is Severity.INFO
