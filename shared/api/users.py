"""Users: who they are, and what of their Entra role the tenant leaves them."""

import re
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict

from shared.access.principals import Principal
from shared.access.tokens import GUID
from shared.api.allowed import Wired, allowed
from shared.api.preconditions import require_match, show_version
from shared.api.problems import PROBLEMS, NotFound
from shared.api.views_directory import UserView
from shared.models.audit import AuditAction
from shared.models.tenants import Role, User
from shared.pipeline.editing import Edit, next_version
from shared.pipeline.people import change_access

router = APIRouter(prefix="/users", tags=["users"], responses=PROBLEMS)

_ID = re.compile(r"usr-[0-9a-f]{24}")


class UserPage(BaseModel):
    """Some users, oldest first; ask again with the cursor for more."""

    items: list[UserView]
    cursor: str | None


class AccessChange(BaseModel):
    """What changes of somebody's access; what is left out or null stays."""

    model_config = ConfigDict(extra="forbid")

    role: Role | None = None
    is_active: bool | None = None


@router.get("", summary="List users")
async def list_users(
    principal: Annotated[Principal, Depends(allowed("list_users"))],
    services: Wired,
    limit: Annotated[int, Query(ge=1, le=100, description="How many to answer with.")] = 25,
    cursor: Annotated[str | None, Query(max_length=400, description="The cursor of the page before.")] = None,
) -> UserPage:
    """Everybody who has signed in, oldest first."""
    page = await services.records.page(principal.tenant_id, User, limit=limit, cursor=cursor)
    return UserPage(items=[UserView.of(held.value) for held in page.items], cursor=page.cursor)


@router.get("/{user_id}", summary="Read a user")
async def read_user(
    user_id: str, response: Response, principal: Annotated[Principal, Depends(allowed("read_user"))], services: Wired
) -> UserView:
    """By their id here, or by their Entra object id, which is what `assigned_to` of an incident holds."""
    held = await services.records.read(principal.tenant_id, User, _known(user_id))
    user = _there(held.value if held else None)
    show_version(response, user.version)
    return UserView.of(user)


@router.patch("/{user_id}", summary="Change what a user may do")
async def update_user(
    user_id: str,
    wanted: AccessChange,
    request: Request,
    response: Response,
    principal: Annotated[Principal, Depends(allowed("update_user"))],
    services: Wired,
) -> UserView:
    """Narrows or restores a role, or takes access away. Nobody changes their own access, and the last admin stays.

    What somebody may is the lower of this role and the one in Entra ID; a record never gives more than that.
    """

    def decide(user: User | None) -> Edit[User] | None:
        return _edit(_there(user), wanted, principal, request)

    user = _there(await change_access(principal.tenant_id, _known(user_id), decide, services, by=principal.object_id))
    show_version(response, user.version)
    return UserView.of(user)


def _edit(user: User, wanted: AccessChange, principal: Principal, request: Request) -> Edit[User] | None:
    require_match(request, user.version)
    changed = {
        name: value for name, value in wanted.model_dump(exclude_none=True).items() if getattr(user, name) != value
    }
    if not changed:
        return None
    before = {name: getattr(user, name) for name in changed}
    entry = principal.entry(
        *("update_user", AuditAction.UPDATE, "user", user.id), before=before, after=changed, now=datetime.now(UTC)
    )
    return Edit(next_version(user, **changed), entry)


def _known(user_id: str) -> str:
    if GUID.fullmatch(user_id):
        return User.id_of(user_id)
    if not _ID.fullmatch(user_id):
        raise NotFound("There is no such user.")
    return user_id


def _there(user: User | None) -> User:
    if user is None:
        raise NotFound("There is no such user.")
    return user
