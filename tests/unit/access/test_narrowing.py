"""A user's record takes from what Entra ID gives, never adds; and nobody is left without an admin."""

import pytest

from shared.access.narrowing import LockOut, lock_out, narrowed
from shared.models.tenants import Role
from tests.builders import a_user


@pytest.mark.parametrize(
    ("entra", "record", "effective"),
    [
        (Role.ADMIN, Role.VIEWER, Role.VIEWER),
        (Role.VIEWER, Role.ADMIN, Role.VIEWER),
        (Role.ENGINEER, Role.ENGINEER, Role.ENGINEER),
        (Role.ADMIN, Role.ENGINEER, Role.ENGINEER),
    ],
)
def test_the_lower_of_both_roles_counts(entra: Role, record: Role, effective: Role) -> None:
    assert narrowed(entra, a_user(record)) is effective


def test_whoever_has_no_record_has_what_entra_gives_and_an_inactive_one_nothing() -> None:
    assert narrowed(Role.ENGINEER, None) is Role.ENGINEER
    assert narrowed(Role.ADMIN, a_user(Role.ADMIN, is_active=False)) is None


def test_nobody_changes_their_own_access_and_the_last_admin_stays() -> None:
    admin = a_user(Role.ADMIN)
    lower = admin.model_copy(update={"role": Role.VIEWER})
    off = admin.model_copy(update={"is_active": False})
    assert lock_out(admin, lower, by=admin.entra_object_id, other_admins=3) is LockOut.OWN_ACCESS
    assert lock_out(admin, off, by="somebody", other_admins=0) is LockOut.LAST_ADMIN
    assert lock_out(admin, off, by="somebody", other_admins=1) is None
    assert lock_out(off, lower, by="somebody", other_admins=0) is None, "was no active admin before"
    assert {one.words for one in LockOut}
