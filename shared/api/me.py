"""Who the caller is."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from shared.access.principals import Principal
from shared.api.allowed import allowed
from shared.api.problems import PROBLEMS
from shared.models.tenants import Role

router = APIRouter(tags=["me"], responses=PROBLEMS)


class Me(BaseModel):
    """The caller as the token says."""

    tenant_id: str
    object_id: str
    email: str
    role: Role


@router.get("/me", summary="Who am I?")
async def who_am_i(principal: Annotated[Principal, Depends(allowed("who_am_i"))]) -> Me:
    """The tenant, Entra object id, mail address and role of the token."""
    return Me(
        tenant_id=principal.tenant_id, object_id=principal.object_id, email=principal.email, role=principal.role
    )
