"""How raw confidence becomes a probability: a monotone curve fitted to what turned out right."""

from datetime import timedelta
from enum import StrEnum
from typing import Literal

from pydantic import Field

from shared.models.base import Document, Instant, Value

LABELS_FOR_OWN = 200
"""From this many labels on a tenant's curve is fitted to its own."""
REFIT_EVERY = timedelta(days=1)
CALIBRATION_TTL_SECONDS = 366 * 24 * 3600


class Origin(StrEnum):
    """Whose labels a curve was fitted to."""

    GLOBAL = "global"
    """Synthetic incidents of stated seeds; shipped with the code."""
    TENANT = "tenant"
    """What people of the tenant said of its own hypotheses."""


class Curve(Value):
    """Platt's curve: confidence = 1 / (1 + exp(-(intercept + slope * logit(raw)))); it rises, so no order changes."""

    origin: Origin
    intercept: float = Field(ge=-20, le=20)
    slope: float = Field(ge=0.05, le=20)
    n: int = Field(ge=0)
    """How many labels it was fitted to."""
    version: str = Field(max_length=80)
    """Derives from what it was fitted to, so that an answer can say which curve it was given by."""
    ranker_version: str | None = None
    """Whose raw confidence it was fitted to; another ranker's wants another curve."""
    fitted_at: Instant


class TenantCalibration(Document):
    """A tenant's own curve (container `caches`): one a tenant, fitted anew at most once a day."""

    type: Literal["calibration"] = "calibration"
    curve: Curve
    ttl: int = CALIBRATION_TTL_SECONDS

    @staticmethod
    def id_for() -> str:
        """A tenant has one."""
        return "calibration"
