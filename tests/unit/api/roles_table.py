"""Renders docs/roles.md from the API: `python -m tests.unit.api.roles_table > docs/roles.md`."""

from shared.access.roles import LEAST_ROLE, may
from shared.models.tenants import Role
from tests.unit.api.operations import operations

HEAD = """# Who may do what

Made from `shared/access/roles.py` and the OpenAPI document by `python -m tests.unit.api.roles_table > docs/roles.md`;
a test fails while the two differ. What is not in the table is allowed to nobody. Another
tenant's things are not there for any role: 404, or an empty list.

| route | what | viewer | engineer | admin |
|---|---|---|---|---|
"""
ROLES = (Role.VIEWER, Role.ENGINEER, Role.ADMIN)


def rendered() -> str:
    """The whole page."""
    rows = []
    for one in operations():
        marks = ["yes" if one.name not in LEAST_ROLE or may(role, one.name) else "" for role in ROLES]
        who = " (no token)" if one.is_public else ""
        rows.append(f"| `{one.method} {one.path}` | {one.document['summary']}{who} | {' | '.join(marks)} |")
    return HEAD + "\n".join(rows) + "\n"


if __name__ == "__main__":
    print(rendered(), end="")  # noqa: T201 -- a command line prints
