"""Write all of a tenant to lines, one document at a time."""

import json
from base64 import b64encode
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from shared.messages import QueueName
from shared.models.backup import CONTAINERS, FORMAT_VERSION, Header, Line, Trailer
from shared.models.base import TenantId
from shared.models.schedule import SHARDS
from shared.models.tenants import Tenant
from shared.ports.archive import BlobArchive, Stored, TenantArchive

PAGE = 100
_NAMES_INCIDENTS = ("incident_id", "earlier_incident_id", "merged_into")
"""Fields of claims and summaries that name incidents: a list that lags behind must not lose one."""


@dataclass(frozen=True)
class Archives:
    """Where all of a tenant lies."""

    documents: TenantArchive
    blobs: BlobArchive


async def exported(tenant: Tenant, archives: Archives, *, with_raw: bool, now: datetime) -> AsyncIterator[bytes]:
    """The lines of a tenant's backup, each with its end. Only the ids of incidents are ever held together."""
    header = Header(version=FORMAT_VERSION, tenant_id=tenant.tenant_id, exported_at=now, has_raw=with_raw)
    digest, counts = sha256(), Counter[str]()
    line = _encoded(header)
    digest.update(line)
    yield line
    async for one in _lines(tenant, archives, with_raw=with_raw, now=now):
        counts[one.container] += 1
        line = _encoded(one)
        digest.update(line)
        yield line
    yield _encoded(Trailer(counts=dict(sorted(counts.items())), sha256=digest.hexdigest()))


def _encoded(one: Header | Line | Trailer) -> bytes:
    if isinstance(one, Line):
        # Documents hold text from outside, which may have halves of characters that UTF-8 does not write.
        return json.dumps(one.model_dump(exclude_none=True), separators=(",", ":")).encode() + b"\n"
    return one.model_dump_json().encode() + b"\n"


async def _lines(tenant: Tenant, archives: Archives, *, with_raw: bool, now: datetime) -> AsyncIterator[Line]:
    for container in CONTAINERS:
        match container:
            case "snapshots" | "receipts" | "raw":
                if container != "raw" or with_raw:
                    async for line in _blobs(tenant.tenant_id, container, archives.blobs):
                        yield line
            case "directory" | "tenant":
                async for document in _documents(tenant.tenant_id, "directory", [None], archives):
                    # The tenant's own record comes last of all.
                    if (document["id"] == tenant.id) is (container == "tenant"):
                        yield Line(container=container, document=document)
            case _:
                parts = await _parts(tenant, container, archives, now=now)
                async for document in _documents(tenant.tenant_id, container, parts, archives):
                    yield Line(container=container, document=document)


async def _blobs(tenant_id: TenantId, container: str, blobs: BlobArchive) -> AsyncIterator[Line]:
    async for name in blobs.names(tenant_id, container):
        body = await blobs.read(tenant_id, container, name)
        if body is not None:
            yield Line(container=container, name=name, base64=b64encode(body).decode())


async def _documents(
    tenant_id: TenantId, container: str, parts: Sequence[str | None], archives: Archives
) -> AsyncIterator[Stored]:
    for part in parts:
        after = ""
        while True:
            page = await archives.documents.page(tenant_id, container, part, after=after, limit=PAGE)
            for document in page:
                yield document
            if len(page) < PAGE:
                break
            after = str(page[-1]["id"])


async def _parts(tenant: Tenant, container: str, archives: Archives, *, now: datetime) -> Sequence[str | None]:
    """The partitions of a container that a tenant's documents may lie in."""
    match container:
        case "incidents":
            return await _incident_ids(tenant.tenant_id, archives)
        case "audit":
            return _months(tenant.created_at, now)
        case "deadletters":
            return [queue.value for queue in QueueName]
        case "schedule":
            return list(SHARDS)
        case "lookups":
            return await _lookups(tenant, archives)
        case _:
            return [None]


async def _incident_ids(tenant_id: TenantId, archives: Archives) -> list[str]:
    found: set[str] = set()
    async for summary in _documents(tenant_id, "incident_list", [None], archives):
        found |= {str(summary["id"]), *_named_in(summary)}
    async for claim in _documents(tenant_id, "claims", [None], archives):
        found |= _named_in(claim)
    return sorted(found)


def _named_in(document: Stored) -> set[str]:
    return {value for name in _NAMES_INCIDENTS if isinstance(value := document.get(name), str) and value}


async def _lookups(tenant: Tenant, archives: Archives) -> list[str]:
    directory = f"entra:{tenant.entra_tenant_id}"
    of_integrations = [
        f"integration:{document['id']}"
        async for document in _documents(tenant.tenant_id, "directory", [None], archives)
        if document.get("type") == "integration"
    ]
    return [f"slug:{tenant.slug}", *([directory] if tenant.entra_tenant_id else []), *of_integrations]


def _months(first: datetime, last: datetime) -> list[str]:
    """Every month from one time to another."""
    count = (last.year - first.year) * 12 + last.month - first.month
    months = [divmod(first.month - 1 + number, 12) for number in range(count + 1)]
    return [f"{first.year + years}-{month + 1:02}" for years, month in months]
