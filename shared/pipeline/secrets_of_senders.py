"""The secrets with which senders prove themselves: made, given, and replaced without losing a page."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime

from shared.access.principals import Principal
from shared.errors import Malformed, NotAllowed
from shared.models.audit import AuditAction, Facts
from shared.models.base import IntegrationId, document_id
from shared.models.tenants import MAX_SECRETS, Inbound, InboundSecret, Integration, IntegrationType
from shared.pipeline.writing_integrations import Doing, write_change
from shared.ports.services import Services
from shared.ports.stores import Versioned
from shared.signals.inbound import MAKES_ITS_OWN, MAY_BE_GIVEN, is_signed, secret_kept, with_secret, without_secret

TOKEN_BYTES = 32


@dataclass(frozen=True)
class Issued:
    """A secret as it is shown once, and what is kept of it."""

    kept: InboundSecret
    plain: str = field(repr=False)


def new_id(integration_id: IntegrationId, run_id: str) -> str:
    """The id of the secret that this run of a request makes."""
    return document_id("sec", integration_id, run_id)


async def issue(
    who: Principal,
    integration_id: IntegrationId,
    kind: IntegrationType,
    inbound: Inbound,
    services: Services,
    *,
    given: str | None,
    run_id: str,
    now: datetime,
) -> Issued | None:
    """A secret for a sender: the given one or a new one; None where the sender makes its own and it is not known yet.

    Raises Malformed when one is given that must be ours, and KeysUnavailable.
    """
    if given is not None and kind not in MAY_BE_GIVEN:
        raise Malformed("the secret of this kind of sender is made here", reason="secret_is_made_here")
    if given is None and kind in MAKES_ITS_OWN:
        return None
    plain = given or secrets.token_urlsafe(TOKEN_BYTES)
    signs = is_signed(inbound.schemes)
    sealed = await services.secret_box.seal(who.tenant_id, integration_id, plain) if signs else None
    secret_id = new_id(integration_id, run_id)
    return Issued(secret_kept(secret_id, plain, sealed, inbound.schemes, now=now), plain)


async def add_secret(
    who: Principal,
    held: Versioned[Integration],
    services: Services,
    *,
    given: str | None,
    run_id: str,
    now: datetime,
) -> tuple[Integration, Issued]:
    """One more secret beside the one that is in use; raises NotAllowed when two are good already."""
    known, inbound = held.value, _inbound_of(held.value)
    if len(inbound.secrets) >= MAX_SECRETS:
        raise NotAllowed("two secrets are good already: remove one first", reason="two_secrets_already")
    issued = await issue(
        *(who, IntegrationId(known.id), known.integration_type, inbound, services),
        given=given,
        run_id=run_id,
        now=now,
    )
    if issued is None:
        raise Malformed("this sender makes its secret itself: give the one it shows", reason="secret_is_made_there")
    was: Facts = {"secrets": len(inbound.secrets)}
    after: Facts = {"secrets": len(inbound.secrets) + 1, "secret_id": issued.kept.secret_id}
    doing = Doing(who, "add_integration_secret", AuditAction.UPDATE, before=was, after=after)

    def decide(one: Integration) -> Integration:
        return one.model_copy(update={"inbound": with_secret(_inbound_of(one), issued.kept)})

    return await write_change(doing, held, decide, services, now=now), issued


async def remove_secret(
    who: Principal, held: Versioned[Integration], secret_id: str, services: Services, *, now: datetime
) -> Integration:
    """Take one away; raises NotAllowed for the last one: deactivate or delete the integration instead."""
    inbound = _inbound_of(held.value)
    left = without_secret(inbound, secret_id)
    if left is None:
        raise NotAllowed("it is the last secret that is good: add another one first", reason="last_secret")
    before: Facts = {"secrets": len(inbound.secrets), "secret_id": secret_id}
    after: Facts = {"secrets": len(left.secrets), "secret_id": None}
    doing = Doing(who, "remove_integration_secret", AuditAction.DELETE, before=before, after=after, narrows=True)
    return await write_change(doing, held, lambda one: one.model_copy(update={"inbound": left}), services, now=now)


def _inbound_of(integration: Integration) -> Inbound:
    if integration.inbound is None:
        raise NotAllowed("this integration receives nothing, so it has no secrets", reason="receives_nothing")
    return integration.inbound
