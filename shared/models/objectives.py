"""Service level objectives that a tenant declares, for services whose Prometheus has no rules for them."""

from typing import Literal

from pydantic import Field

from shared.models.base import Value
from shared.models.tenants import Record

MAX_OBJECTIVES = 100
MAX_NAME_CHARS = 200
LONGEST_PERIOD_DAYS = 90


class Objective(Value):
    """Which share of a service's requests must succeed, over how many days."""

    service: str = Field(min_length=1, max_length=MAX_NAME_CHARS)
    name: str = Field(default="availability", min_length=1, max_length=MAX_NAME_CHARS)
    objective: float = Field(ge=0.5, lt=1, allow_inf_nan=False)
    period_days: int = Field(default=30, ge=1, le=LONGEST_PERIOD_DAYS)


class Objectives(Record):
    """All objectives of a tenant in one document."""

    type: Literal["objectives"] = "objectives"
    objectives: tuple[Objective, ...] = Field(default=(), max_length=MAX_OBJECTIVES)

    @staticmethod
    def id_for() -> str:
        """A tenant has one."""
        return "objectives"

    def of_services(self, services: set[str]) -> tuple[Objective, ...]:
        """Those of these services."""
        return tuple(one for one in self.objectives if one.service in services)
