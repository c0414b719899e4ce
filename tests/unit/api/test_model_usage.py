"""What models cost, for the tenant's admins."""

from datetime import UTC, datetime

import pytest

from shared.models.hypotheses import Receipt
from shared.models.spending import LEASE, SpendingDay
from shared.ports.spending import SpendingChange
from tests.builders import ACME, a_model_question, a_tenant
from tests.unit.access.issuer import GLOBEX_TID
from tests.unit.api.asking import asked
from tests.unit.api.serving import Served


async def test_an_admin_reads_what_was_spent_and_what_is_left(served: Served) -> None:
    now = datetime.now(UTC)
    question = a_model_question(day=now.date(), lease_until=now + LEASE)
    spent = Receipt(calls=2, prompt_tokens=900, cached_tokens=500, completion_tokens=40, cost=0.75)
    day = SpendingDay.untouched(ACME, now.date(), "USD").model_copy(update={"spent": spent})
    change = SpendingChange(question, None, day.reserving(question, now), None)
    await served.services.spending.commit(ACME, change)
    answer = await asked(served, "GET", "/model-usage")
    found = answer.json()
    assert (found["daily_budget"], found["left_today"], found["currency"]) == (5.0, 3.25, "USD")
    (today,) = found["days"]
    assert (today["spent"], today["reserved"], today["calls"], today["cached_tokens"]) == (0.75, 1.0, 2, 500)
    theirs = (await asked(served, "GET", "/model-usage", claims={"tid": GLOBEX_TID})).json()
    assert (theirs["left_today"], theirs["days"]) == (5.0, [])


async def test_a_tenants_own_budget_is_shown(served: Served) -> None:
    await served.services.directory.put(ACME, a_tenant(model_daily_budget=7.5))
    found = (await asked(served, "GET", "/model-usage")).json()
    assert (found["daily_budget"], found["left_today"], found["has_model"]) == (7.5, 7.5, False)


@pytest.mark.parametrize("role", ["engineer", "viewer"])
async def test_what_models_cost_is_for_admins(served: Served, role: str) -> None:
    assert (await asked(served, "GET", "/model-usage", role=role)).status_code == 403
