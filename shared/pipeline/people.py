"""Who may still do what: changes of users' access, so made that a tenant is never left without an admin."""

from collections.abc import Callable

from shared.access.lock_out import is_active_admin, lock_out
from shared.errors import Conflict, NotAllowed
from shared.models.base import TenantId
from shared.models.tenants import Tenant, User
from shared.pipeline.editing import MAX_TRIES, Edit, every, write_edit
from shared.ports.services import Services


async def change_access(
    tenant_id: TenantId,
    user_id: str,
    decide: Callable[[User | None], Edit[User] | None],
    services: Services,
    *,
    by: str,
) -> User | None:
    """Change a user's role or activity; raises NotAllowed when it would lock out `by` or the last admin.

    Whoever takes an admin away also moves the tenant's record, in the same batch, on which the count of the others
    rests: of two admins who take each other's role at once, one is refused.
    """
    for _ in range(MAX_TRIES):
        held = await services.records.read(tenant_id, User, user_id)
        edit = decide(held.value if held else None)
        if edit is None or held is None:
            return held.value if held else None
        takes_admin = is_active_admin(held.value) and not is_active_admin(edit.after)
        rests_on = await services.records.read(tenant_id, Tenant, tenant_id) if takes_admin else None
        others = await _other_admins(tenant_id, user_id, services) if takes_admin else 0
        refused = lock_out(held.value, edit.after, by=by, other_admins=others)
        if refused:
            raise NotAllowed(refused.words, reason=refused.value)
        try:
            return await write_edit(tenant_id, held, edit, services, unmoved=rests_on)
        except Conflict:
            continue
    raise Conflict(f"user {user_id} moved {MAX_TRIES} times")


async def _other_admins(tenant_id: TenantId, user_id: str, services: Services) -> int:
    return sum(1 for one in await every(tenant_id, User, services) if is_active_admin(one) and one.id != user_id)
