"""Nobody is left without an admin, and nobody takes their own access."""

from shared.access.lock_out import LockOut, lock_out
from shared.models.tenants import Role
from tests.builders import a_user


def test_nobody_changes_their_own_access_and_the_last_admin_stays() -> None:
    admin = a_user(Role.ADMIN)
    lower = admin.model_copy(update={"role": Role.VIEWER})
    off = admin.model_copy(update={"is_active": False})
    assert lock_out(admin, lower, by=admin.entra_object_id, other_admins=3) is LockOut.OWN_ACCESS
    assert lock_out(admin, off, by="somebody", other_admins=0) is LockOut.LAST_ADMIN
    assert lock_out(admin, off, by="somebody", other_admins=1) is None
    assert lock_out(off, lower, by="somebody", other_admins=0) is None, "was no active admin before"
    assert {one.words for one in LockOut}
