"""The person or script behind a request, once its token has been checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from shared.models.audit import AuditAction, AuditEntry, Facts
from shared.models.base import TenantId, document_id
from shared.models.tenants import Role


@dataclass(frozen=True)
class RequestedFrom:
    """Where a request came from, as far as it can be believed."""

    request_id: str = ""
    ip_address: str | None = None
    user_agent: str | None = None


@dataclass(frozen=True)
class Principal:
    """Who is asking, for which tenant, in which role, from where."""

    tenant_id: TenantId
    object_id: str
    email: str
    role: Role
    requested_from: RequestedFrom = RequestedFrom()

    def entry(
        self,
        event_type: str,
        action: AuditAction,
        resource_type: str,
        resource_id: str,
        *,
        before: Facts | None = None,
        after: Facts | None = None,
        now: datetime,
    ) -> AuditEntry:
        """The audit entry of what they do; the same request doing the same is the same entry."""
        request_id = self.requested_from.request_id
        return AuditEntry(
            entry_id=document_id("aud", self.tenant_id, request_id, event_type, resource_type, resource_id),
            at=now,
            user_id=self.object_id,
            user_name=self.email,
            event_type=event_type,
            action=action,
            resource_type=resource_type,
            resource_id=resource_id,
            before=before or {},
            after=after or {},
            ip_address=self.requested_from.ip_address,
            user_agent=self.requested_from.user_agent,
            request_id=request_id,
        )


SCOPE_GRANTS: Mapping[str, Role] = {"Incidents.Read": Role.VIEWER, "Incidents.ReadWrite": Role.ENGINEER}
"""What a delegated token without app roles may; no scope makes an admin."""


def granted(claims: Mapping[str, object]) -> Role | None:
    """The most that a token allows: by its app roles or, when it has no `roles` claim at all, by its scopes."""
    roles, scopes = claims.get("roles"), claims.get("scp")
    if roles is not None or claims.get("idtyp") == "app":
        return highest(roles)
    named = set(scopes.split(" ")) if isinstance(scopes, str) else set()
    return highest([role.value for scope, role in SCOPE_GRANTS.items() if scope in named])


def lower(one: Role, other: Role) -> Role:
    """The one of two roles that may less."""
    return max(one, other, key=list(Role).index)


def highest(roles: object) -> Role | None:
    """The most that a token's `roles` claim allows; unknown roles allow nothing."""
    named = set(roles) if isinstance(roles, list) and all(isinstance(one, str) for one in roles) else set()
    return next((role for role in Role if role.value in named), None)
