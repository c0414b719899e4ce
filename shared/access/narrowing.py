"""What a tenant takes from the roles that Entra ID gives: a user's record can only narrow, never widen."""

from enum import StrEnum

from shared.models.tenants import Role, User

_FROM_LEAST = (Role.VIEWER, Role.ENGINEER, Role.ADMIN)


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


def narrowed(role: Role, user: User | None) -> Role | None:
    """The role somebody has: the lower of Entra's and their record's; None when their record is not active."""
    if user is None:
        return role
    return min(role, user.role, key=_FROM_LEAST.index) if user.is_active else None


def lock_out(before: User, after: User, *, by: str, other_admins: int) -> LockOut | None:
    """Why this change must not be: `by` asks for it, and so many other active admins there are."""
    was_admin, is_admin = (is_active_admin(one) for one in (before, after))
    if before.entra_object_id == by and (before.role, before.is_active) != (after.role, after.is_active):
        return LockOut.OWN_ACCESS
    return LockOut.LAST_ADMIN if was_admin and not is_admin and other_admins == 0 else None


def is_active_admin(user: User) -> bool:
    """Whether the record leaves them everything that Entra ID gives."""
    return user.is_active and user.role is Role.ADMIN
