"""Schemathesis against the running API with each role: what it generates is answered as the document says.

`make test` runs a small size, `make fuzz` a large one; the seed is fixed, so both find the same tomorrow.
"""

import copy
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from shared.access.roles import may
from shared.models.tenants import Role
from tests.unit.api.operations import Operation, document, guarded
from tests.unit.api.walking import acme, fillings, world

# A sweep: what it runs is covered by the tests of single cases, and measuring would make it slower.
pytestmark = pytest.mark.no_cover

SEED = 20261123
SMALL = 600
LARGE = 20_000
# Tokens are ours: without one there is only a 401, which the walk over every route looks at.
CONFIG = {"generation": {"with-security-parameters": False}}
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]


def strict() -> dict[str, Any]:
    """The document without its answer for all other statuses, under which nothing would be undocumented."""
    told = copy.deepcopy(document())
    for methods in told["paths"].values():
        for operation in methods.values():
            operation["responses"].pop("default", None)
    return told


@pytest.fixture(scope="module")
def schema() -> schemathesis.BaseSchema:
    loaded = schemathesis.openapi.from_dict(strict(), config=schemathesis.Config.from_dict(CONFIG))
    loaded.app = world().app
    return loaded


def cases(schema: schemathesis.BaseSchema, operation: Operation) -> st.SearchStrategy[Case]:
    """Requests as documented and not, about what there is and about what there is not."""
    described = schema[operation.path][operation.method]
    ways: Iterator[dict[str, str]] = iter(fillings(operation, world().pool)[:1] if operation.parameters else [])
    known = [described.as_strategy(mode, path_parameters=way) for way in ways for mode in GenerationMode]
    return st.one_of(*known, *(described.as_strategy(mode) for mode in GenerationMode))


def fuzz(schema: schemathesis.BaseSchema, role: Role, examples: int) -> dict[str, str]:
    """What was wrong with which operation."""
    found = dict[str, str]()
    for operation in guarded():
        world().renew()

        @seed(SEED)
        @settings(
            max_examples=max(2, examples // len(guarded())) if may(role, operation.name) else 1,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=cases(schema, operation))
        def ask(case: Case) -> None:
            case.call_and_validate(headers=dict(acme(role)), checks=CHECKS)

        try:
            ask()
        except* (AssertionError, schemathesis.errors.SchemathesisError) as exc:
            found[operation.name] = str(exc.exceptions[0])
    return found


@pytest.mark.parametrize("role", Role)
def test_every_answer_is_as_documented(schema: schemathesis.BaseSchema, role: Role) -> None:
    assert fuzz(schema, role, SMALL // len(Role)) == {}


@pytest.mark.fuzz
@pytest.mark.parametrize("role", Role)
def test_every_answer_is_as_documented_at_large_size(schema: schemathesis.BaseSchema, role: Role) -> None:
    assert fuzz(schema, role, LARGE // len(Role)) == {}
