"""The people who run the installation: no user of any tenant, and audited in the trail of the tenant they act on."""

from dataclasses import dataclass
from datetime import datetime

from shared.models.audit import AuditAction, AuditEntry, Facts
from shared.models.base import TenantId, document_id

OPERATOR = "operator"


@dataclass(frozen=True)
class Operator:
    """One run of an operator's command on one tenant; `run_id` stands where a request has its id."""

    tenant_id: TenantId
    run_id: str

    def entry(
        self,
        event_type: str,
        action: AuditAction,
        *,
        user_id: str | None = None,
        before: Facts | None = None,
        after: Facts | None = None,
        now: datetime,
    ) -> AuditEntry:
        """The audit entry of what they do to the tenant itself, or to one of its users."""
        kind, resource_id = ("user", user_id) if user_id else ("tenant", str(self.tenant_id))
        return AuditEntry(
            entry_id=document_id("aud", self.tenant_id, self.run_id, event_type, kind, resource_id),
            at=now,
            user_id=None,
            user_name=OPERATOR,
            event_type=event_type,
            action=action,
            resource_type=kind,
            resource_id=resource_id,
            before=before or {},
            after=after or {},
            request_id=self.run_id,
        )
