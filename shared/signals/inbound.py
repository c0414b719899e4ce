"""What an integration's webhook accepts: the schemes a sender knows, its secrets, the credential made of them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from shared.models.tenants import (
    MAX_SECRETS,
    Inbound,
    InboundCredential,
    InboundSecret,
    Integration,
    IntegrationType,
    Scheme,
)
from shared.signals.schemes import hash_token

SCHEMES: Mapping[IntegrationType, tuple[Scheme, ...]] = {
    IntegrationType.ALERTMANAGER: (Scheme.BEARER, Scheme.BASIC, Scheme.CODE),
    IntegrationType.GRAFANA: (Scheme.GRAFANA_HMAC, Scheme.BEARER, Scheme.BASIC),
    IntegrationType.GRAFANA_LEGACY: (Scheme.BASIC,),
    IntegrationType.PAGERDUTY: (Scheme.PAGERDUTY,),
    IntegrationType.GENERIC: (Scheme.BEARER, Scheme.BASIC),
    IntegrationType.CHANGES: (Scheme.BEARER, Scheme.BASIC),
    IntegrationType.GITHUB: (Scheme.GITHUB,),
}
"""The kinds that send to us, and the schemes of each; the first is what it gets unless another is asked for."""

MAKES_ITS_OWN = frozenset({IntegrationType.PAGERDUTY})
"""Senders that make the secret themselves and show it once, so that it can only be told to us."""
MAY_BE_GIVEN = frozenset({IntegrationType.PAGERDUTY, IntegrationType.GITHUB})
"""Senders whose secret a person may give. Tokens are always ours: what is kept as a plain hash must be random."""

_TOKENS = frozenset({Scheme.BEARER, Scheme.BASIC, Scheme.CODE})


class Unfit(StrEnum):
    """Why a webhook cannot be set up like this; the value is the reason of the refusal."""

    SENDS_NOTHING = "kind_sends_nothing"
    SCHEME_UNKNOWN_TO_SENDER = "scheme_unknown_to_sender"
    HEADERS_OF_GRAFANA_ONLY = "headers_of_grafana_only"
    UNPROVABLE = "no_secret_fits"


UNFIT_WORDS: Mapping[Unfit, str] = {
    Unfit.SENDS_NOTHING: "this kind sends nothing to us; it is only asked",
    Unfit.SCHEME_UNKNOWN_TO_SENDER: "this sender does not know one of the schemes",
    Unfit.HEADERS_OF_GRAFANA_ONLY: "the signature and timestamp headers are those of Grafana's HMAC signature",
    Unfit.UNPROVABLE: "no secret fits these schemes: accept the old and the new ones, and add a secret first",
}


def unfit(kind: IntegrationType, inbound: Inbound) -> Unfit | None:
    """Why a sender of this kind could not prove itself like this, or None when it could."""
    known = SCHEMES.get(kind)
    if known is None:
        return Unfit.SENDS_NOTHING
    if not inbound.schemes or not set(inbound.schemes) <= set(known):
        return Unfit.SCHEME_UNKNOWN_TO_SENDER
    has_headers = inbound.signature_header is not None or inbound.timestamp_header is not None
    if has_headers and Scheme.GRAFANA_HMAC not in inbound.schemes:
        return Unfit.HEADERS_OF_GRAFANA_ONLY
    if inbound.secrets and not any(_proves(one, inbound.schemes) for one in inbound.secrets):
        return Unfit.UNPROVABLE
    return None


def is_signed(schemes: Sequence[Scheme]) -> bool:
    """Whether any of the schemes signs, so that the secret itself has to be kept, sealed."""
    return not _TOKENS.issuperset(schemes)


def secret_kept(
    secret_id: str, plain: str, sealed: str | None, schemes: Sequence[Scheme], *, now: datetime
) -> InboundSecret:
    """What is kept of a secret: its hash where it is a token, sealed where something is signed with it."""
    token_hash = hash_token(plain) if not _TOKENS.isdisjoint(schemes) else None
    return InboundSecret(secret_id=secret_id, created_at=now, token_hash=token_hash, sealed=sealed)


def with_secret(inbound: Inbound, secret: InboundSecret) -> Inbound | None:
    """With one more; None when as many as can be are good already. The same secret twice is one."""
    if any(one.secret_id == secret.secret_id for one in inbound.secrets):
        return inbound
    if len(inbound.secrets) >= MAX_SECRETS:
        return None
    return inbound.model_copy(update={"secrets": (*inbound.secrets, secret)})


def without_secret(inbound: Inbound, secret_id: str) -> Inbound | None:
    """Without one; None when it is the last one that proves anything: then no page would come in any more."""
    left = tuple(one for one in inbound.secrets if one.secret_id != secret_id)
    if not any(_proves(one, inbound.schemes) for one in left):
        return None
    return inbound.model_copy(update={"secrets": left})


def credential_of(integration: Integration, *, alerts_per_minute: int) -> InboundCredential:
    """The credential that an integration stands for; an integration that receives nothing accepts nothing."""
    inbound = integration.inbound or Inbound(schemes=())
    return InboundCredential(
        id=InboundCredential.id_for(integration.id),
        tenant_id=integration.tenant_id,
        integration_id=integration.id,
        integration_type=integration.integration_type,
        schemes=inbound.schemes,
        token_hashes=tuple(one.token_hash for one in inbound.secrets if one.token_hash),
        sealed_secrets=tuple(one.sealed for one in inbound.secrets if one.sealed),
        signature_header=inbound.signature_header,
        timestamp_header=inbound.timestamp_header,
        alerts_per_minute=alerts_per_minute,
        is_active=integration.is_active and integration.deleted_at is None,
        source_version=integration.version,
    )


def _proves(secret: InboundSecret, schemes: Sequence[Scheme]) -> bool:
    as_token = secret.token_hash is not None and not _TOKENS.isdisjoint(schemes)
    as_key = secret.sealed is not None and not _TOKENS.issuperset(schemes)
    return as_token or as_key
