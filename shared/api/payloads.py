"""Raw bodies of deliveries: not redacted, so for admins only, and each reading is sealed before it is answered."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response

from shared.access.principals import Principal
from shared.api.allowed import Wired, allowed
from shared.api.problems import PROBLEMS, NotFound
from shared.models.base import ReceiptId
from shared.pipeline.auditing import record_view
from shared.pipeline.payloads import raw_body

router = APIRouter(tags=["receipts"], responses=PROBLEMS)

BYTES = "application/octet-stream"
_ID = re.compile(r"rcp-[0-9a-f]{32}")
_NO_SUCH = "There is no such body; one is kept for 7 days."
_AS_FILE: dict[int | str, dict[str, Any]] = {
    200: {"content": {BYTES: {"schema": {"type": "string", "format": "binary"}}}}
}


@router.get(
    "/receipts/{receipt_id}/payload",
    summary="Download the body of a delivery",
    response_class=Response,
    responses=_AS_FILE,
)
async def download_payload(
    receipt_id: str,
    principal: Annotated[Principal, Depends(allowed("download_payload"))],
    services: Wired,
) -> Response:
    """The bytes as they came, for the 7 days that they are kept. The reading is sealed before it is answered."""
    known = receipt_id if _ID.fullmatch(receipt_id) else None
    body = await raw_body(principal.tenant_id, ReceiptId(known), services) if known else None
    if body is None:
        raise NotFound(_NO_SUCH)
    asked = {"bytes": len(body)}
    now = datetime.now(UTC)
    await record_view(principal, "download_payload", "payload", receipt_id, services, now=now, asked=asked)
    headers = {"Content-Disposition": f'attachment; filename="{receipt_id}.bin"'}
    return Response(body, media_type=BYTES, headers=headers)
