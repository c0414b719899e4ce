"""Which changes of somebody's access are refused, so that a tenant always has somebody who can undo them."""

from enum import StrEnum

from shared.models.tenants import Role, User


class LockOut(StrEnum):
    """Why a change of somebody's access is refused."""

    OWN_ACCESS = "own_access"
    LAST_ADMIN = "last_admin"

    @property
    def words(self) -> str:
        """For the answer."""
        return {
            LockOut.OWN_ACCESS: "nobody changes their own role or locks themselves out; ask another admin",
            LockOut.LAST_ADMIN: "this is the last active admin of the tenant",
        }[self]


def lock_out(before: User, after: User, *, by: str, other_admins: int) -> LockOut | None:
    """Why this change must not be: `by` asks for it, and so many other active admins there are."""
    was_admin, is_admin = (is_active_admin(one) for one in (before, after))
    if before.entra_object_id == by and (before.role, before.is_active) != (after.role, after.is_active):
        return LockOut.OWN_ACCESS
    return LockOut.LAST_ADMIN if was_admin and not is_admin and other_admins == 0 else None


def is_active_admin(user: User) -> bool:
    """Whether the record leaves them everything that Entra ID gives."""
    return user.is_active and user.role is Role.ADMIN
