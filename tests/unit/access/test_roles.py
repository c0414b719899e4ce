"""Roles: the highest a token names counts, and what is not in the table is denied."""

import pytest

from shared.access.principals import highest
from shared.access.roles import LEAST_ROLE, may
from shared.models.tenants import Role


@pytest.mark.parametrize(
    ("claim", "role"),
    [
        (["viewer"], Role.VIEWER),
        (["viewer", "engineer"], Role.ENGINEER),
        (["engineer", "admin", "viewer"], Role.ADMIN),
        (["owner", "viewer"], Role.VIEWER),
        (["owner"], None),
        ([], None),
        (None, None),
        ("admin", None),
        ({"admin": True}, None),
        (["admin", 1], None),
        (["Admin"], None),
    ],
)
def test_the_highest_known_role_of_a_list_counts(claim: object, role: Role | None) -> None:
    assert highest(claim) is role


@pytest.mark.parametrize("role", Role)
def test_an_operation_that_is_not_in_the_table_is_denied_to_everybody(role: Role) -> None:
    assert not may(role, "delete_everything")


NOT_FOR_VIEWERS = ("dead_letter", "integration", "list_users", "_polic", "model_usage")
READING = [
    one
    for one in LEAST_ROLE
    if one.startswith(("list_", "read_", "who_")) and not any(part in one for part in NOT_FOR_VIEWERS)
]


@pytest.mark.parametrize("operation", READING)
def test_reading_needs_no_more_than_viewer_and_higher_roles_may_it_too(operation: str) -> None:
    assert all(may(role, operation) for role in Role)


ADMINS = ["list_dead_letters", "read_dead_letter", "redrive_dead_letter", "redrive_dead_letters"]
ADMINS += ["discard_dead_letter", "download_payload", "search_audit_logs", "verify_audit_logs"]


@pytest.mark.parametrize("operation", ADMINS)
def test_only_an_admin_sees_and_decides_on_what_failed_and_sees_raw_bodies_and_the_trail(operation: str) -> None:
    assert [may(role, operation) for role in (Role.VIEWER, Role.ENGINEER, Role.ADMIN)] == [False, False, True]


def test_a_lower_role_may_not_what_needs_a_higher_one() -> None:
    table = {"seal_audit": Role.ENGINEER}
    roles = (Role.VIEWER, Role.ENGINEER, Role.ADMIN)
    assert [may(role, "seal_audit", table) for role in roles] == [False, True, True]


@pytest.mark.parametrize("operation", [one for one in LEAST_ROLE if "integration" in one or one.startswith("try_")])
def test_only_an_admin_connects_systems_and_sees_how_they_are_connected(operation: str) -> None:
    assert [may(role, operation) for role in (Role.VIEWER, Role.ENGINEER, Role.ADMIN)] == [False, False, True]
