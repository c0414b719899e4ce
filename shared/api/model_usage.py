"""What models cost the caller's tenant: today against the budget, and the days before."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from shared.access.principals import Principal
from shared.api.allowed import Wired, allowed
from shared.api.problems import PROBLEMS
from shared.models.spending import ModelTerms, SpendingDay
from shared.pipeline.paying import budget_of

router = APIRouter(prefix="/model-usage", tags=["tenant"], responses=PROBLEMS)

DAYS = 30


class UsageDay(BaseModel):
    """What one day (UTC) cost."""

    day: date
    spent: float
    reserved: float = Field(description="Set aside for questions that are being asked now.")
    calls: int = Field(description="How many questions were paid for.")
    prompt_tokens: int
    cached_tokens: int = Field(description="Of the prompt's, those that the provider had cached.")
    completion_tokens: int

    @classmethod
    def of(cls, day: SpendingDay, now: datetime) -> "UsageDay":
        """From the stored day."""
        return cls(
            day=day.day,
            spent=round(day.spent.cost, 6),
            reserved=round(day.reserved(now), 6),
            calls=day.spent.calls,
            prompt_tokens=day.spent.prompt_tokens,
            cached_tokens=day.spent.cached_tokens,
            completion_tokens=day.spent.completion_tokens,
        )


class ModelUsageView(BaseModel):
    """What models cost, by the prices of the settings; the provider's bill is what counts."""

    currency: str
    daily_budget: float = Field(description="What may be spent in a day; the tenant's own, or the installation's.")
    left_today: float = Field(description="What of it is neither spent nor reserved.")
    has_model: bool = Field(description="Whether a model is configured at all.")
    days: list[UsageDay] = Field(
        description="Today and the 29 days before, newest first, without those that cost nothing."
    )


@router.get("", summary="Read what models cost")
async def read_model_usage(
    principal: Annotated[Principal, Depends(allowed("read_model_usage"))], services: Wired
) -> ModelUsageView:
    """Today's spending against the budget, and that of the days before."""
    now = datetime.now(UTC)
    wanted = [now.date() - timedelta(days=back) for back in range(DAYS)]
    days = await services.spending.days(principal.tenant_id, wanted)
    budget = await budget_of(principal.tenant_id, services)
    terms: ModelTerms = services.model_terms
    today = next((one for one in days if one.day == now.date()), None)
    return ModelUsageView(
        currency=terms.currency,
        daily_budget=budget,
        left_today=round(today.left(budget, now) if today else budget, 6),
        has_model=services.model is not None,
        days=[UsageDay.of(one, now) for one in days],
    )
