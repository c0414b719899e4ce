"""The API on stores in memory and a key endpoint of its own, asked without a server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import httpx
from fastapi import FastAPI

from shared.access.authentication import Authenticator
from shared.adapters.entra import EntraKeys
from shared.adapters.memory import services_in_memory
from shared.api.options import PLAIN, ApiOptions
from shared.models.base import IncidentId, IntegrationId, ReceiptId, SnapshotId, document_id
from shared.models.evidence import AlertEvidence
from shared.models.hypotheses import Conclusion, GeneratedBy, Hypothesis, HypothesisSet
from shared.models.incidents import IncidentSummary, TimelineEntry, TimelineEvent
from shared.models.receipts import Outcome, ReceiptPart
from shared.models.signals import AlertStatus, Severity
from shared.models.snapshots import Section, SectionName, SectionStatus, Snapshot, SnapshotBody, digest
from shared.ports.services import Services
from shared.ports.stores import IncidentChange
from tests.builders import ACME, GLOBEX, NOON, a_signal, a_tenant, an_incident
from tests.unit.access.issuer import ACME_TID, AUDIENCE, AUTHORITY, GLOBEX_TID, Clock, KeyEndpoint, a_token
from tests.unit.api.apps import an_api

INCIDENT = IncidentId(document_id("inc", "payment"))
INTEGRATION = IntegrationId(document_id("int", "payment"))
SNAPSHOT = SnapshotId(document_id("snap", "payment"))
ANSWER = document_id("hyp", "payment")
RECEIPT = ReceiptId("rcp-" + "0" * 32)


@dataclass
class Served:
    """What a test can turn and look at."""

    services: Services = field(default_factory=services_in_memory)
    endpoint: KeyEndpoint = field(default_factory=KeyEndpoint)
    clock: Clock = field(default_factory=Clock)
    options: ApiOptions = PLAIN
    _api: FastAPI | None = field(default=None, init=False)

    def app(self, keys: EntraKeys) -> FastAPI:
        """The API; it is noon."""
        authenticator = Authenticator(
            keys=keys,
            lookups=self.services.lookups,
            directory=self.services.directory,
            authority=AUTHORITY,
            audience=AUDIENCE,
            now=lambda: NOON,
        )
        # One for each, for what is counted in it goes on from client to client.
        self._api = self._api or an_api(self.services, authenticator, options=self.options, clock=self.clock)
        self._api.state.services, self._api.state.authenticator = self.services, authenticator
        return self._api

    def without(self, **ports: Any) -> "Served":
        """The same with some ports replaced."""
        return replace(self, services=replace(self.services, **ports))

    @asynccontextmanager
    async def client(self, **named: Any) -> AsyncIterator[httpx.AsyncClient]:
        """A client of it, with an engineer's token unless the headers say otherwise."""
        keys = EntraKeys(AUTHORITY, self.endpoint.client(), clock=self.clock)
        transport = httpx.ASGITransport(self.app(keys))
        usual: dict[str, Any] = {"headers": bearer(a_token()), "base_url": "http://api.test/api/v1"}
        async with httpx.AsyncClient(transport=transport, **{**usual, **named}) as client:
            yield client


class Untouched:
    """A store that must not be asked."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"the store was asked: {name}")


async def answer_of(served: Served, path: str) -> Any:
    """What a GET is answered with; it must be 200."""
    async with served.client() as client:
        answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


def bearer(token: str) -> dict[str, str]:
    """The header that presents a token."""
    return {"Authorization": f"Bearer {token}"}


async def two_tenants() -> Served:
    """Acme with one incident, and Globex with nothing."""
    served = Served()
    for tenant_id, tid in ((ACME, ACME_TID), (GLOBEX, GLOBEX_TID)):
        await served.services.lookups.put_entra(tid, tenant_id)
        await served.services.directory.put(tenant_id, a_tenant(tenant_id=tenant_id))
    incident = an_incident(
        incident_id=INCIDENT, latest_snapshot_id=SNAPSHOT, latest_hypotheses_id=ANSWER, external_id="P-1"
    )
    change = IncidentChange(
        incident=incident,
        etag=None,
        created_signals=[a_signal(incident_id=INCIDENT, raw_pointer="ten-acme/secret-pointer", receipt_id=RECEIPT)],
        timeline=[a_timeline_entry()],
        snapshots=[a_snapshot()],
        hypotheses=[an_answer()],
    )
    await served.services.incidents.commit(ACME, change)
    await served.services.incident_list.put(ACME, IncidentSummary.of(incident))
    await served.services.receipts.add_part(ACME, a_part(0, created=2, duplicate=2))
    return served


def a_part(run: int, **outcomes: int) -> ReceiptPart:
    """The account of a run of the receipt's delivery."""
    return ReceiptPart(
        id=ReceiptPart.id_for(RECEIPT, run),
        tenant_id=ACME,
        receipt_id=RECEIPT,
        integration_id=INTEGRATION,
        received_at=NOON,
        run=run,
        accepted=sum(outcomes.values()),
        outcomes={Outcome(outcome): count for outcome, count in outcomes.items()},
        incident_ids=(INCIDENT,),
        recorded_at=NOON,
    )


def a_timeline_entry() -> TimelineEntry:
    """The incident was opened."""
    return TimelineEntry(
        id=document_id("tle", INCIDENT, "1"),
        tenant_id=ACME,
        incident_id=INCIDENT,
        event=TimelineEvent.OPENED,
        reason="opened_new",
        text="Opened.",
        at=NOON,
        incident_version=1,
    )


def a_snapshot() -> Snapshot:
    """One alert was seen, and traffic could not be asked."""
    alert = AlertEvidence(
        id="A1",
        name="HighErrorRatio",
        service="payment",
        severity=Severity.CRITICAL,
        status=AlertStatus.FIRING,
        summary="payment fails its requests",
        starts_at=NOON,
        expression=None,
    )
    body = SnapshotBody(
        service="payment",
        window_start=NOON - timedelta(hours=1),
        onset_at=NOON,
        window_end=NOON,
        step_seconds=15,
        sections=(
            Section(name=SectionName.ALERTS, status=SectionStatus.OK, evidence=(alert,)),
            Section(name=SectionName.TRAFFIC, status=SectionStatus.FAILED, reason="timeout"),
        ),
    )
    return Snapshot(
        id=SNAPSHOT,
        tenant_id=ACME,
        incident_id=INCIDENT,
        taken_at=NOON,
        elapsed_seconds=1.5,
        body=body,
        sha256=digest(body),
    )


def an_answer() -> HypothesisSet:
    """One hypothesis of the ranker."""
    hypothesis = Hypothesis(
        rank=1,
        claim="payment is broken",
        suspected_service="payment",
        mechanism="It fails.",
        supporting=("A1",),
        score=0.5,
    )
    return HypothesisSet(
        id=ANSWER,
        tenant_id=ACME,
        incident_id=INCIDENT,
        snapshot_id=SNAPSHOT,
        generated_by=GeneratedBy.RANKER,
        reason="model_not_configured",
        conclusion=Conclusion.RANKED,
        hypotheses=(hypothesis,),
        prompt_version="secret-version",
        created_at=NOON,
    )
