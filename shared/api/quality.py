"""How far the confidence of hypotheses can be believed."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from shared.access.principals import Principal
from shared.api.allowed import Wired, allowed
from shared.api.problems import PROBLEMS
from shared.hypotheses.quality import quality_of, shown_of
from shared.models.base import Instant
from shared.models.calibration import LABELS_FOR_OWN, Origin
from shared.pipeline.calibrating import curve_in_force
from shared.ports.labels import MAX_LABELS

router = APIRouter(tags=["quality"], responses=PROBLEMS)

Share = Annotated[float, Field(ge=0, le=1)]


class ReliabilityBinView(BaseModel):
    """The hypotheses whose confidence was in one tenth of the scale."""

    model_config = ConfigDict(from_attributes=True)

    low: Share
    high: Share
    n: int
    mean_confidence: Share | None = Field(description="Null where there are none.")
    share_right: Share | None = Field(description="How many of them were right; null where there are none.")


class CalibrationView(BaseModel):
    """The calibration by which confidence is computed now."""

    model_config = ConfigDict(from_attributes=True)

    origin: Origin = Field(description="`global` is the shipped one, `tenant` is fitted to your own labels.")
    version: str
    ranker_version: str | None
    n: int = Field(description="How many labels it was fitted to.")
    fitted_at: Instant = Field(description="Since when it has been in force.")


class QualityView(BaseModel):
    """What was said against what turned out right. Without labels nothing is known, which null says."""

    window_start: Instant
    window_end: Instant
    labels: int = Field(description=f"Labels in the window; of more than {MAX_LABELS} the latest.")
    brier: Share | None = Field(description="Mean square of confidence minus outcome: 0 is best.")
    constant_brier: Share | None = Field(description="The same of whoever always says the share that is right.")
    ece: Share | None = Field(description="Expected calibration error: how far confidence is off, on average.")
    reliability: list[ReliabilityBinView]
    calibration: CalibrationView
    labels_for_own_calibration: int = Field(description="From so many labels on a tenant's own is fitted.")


@router.get("/quality", summary="How far can confidence be believed?")
async def read_quality(
    principal: Annotated[Principal, Depends(allowed("read_quality"))],
    services: Wired,
    days: Annotated[int, Query(ge=1, le=365, description="How far to look back.")] = 90,
) -> QualityView:
    """Confidence as it was shown, against what people said of the hypotheses: each is one label.

    A hypothesis that nobody judged is in no figure. Few labels say little: the share right of 10 may be off by 0.3.
    """
    now = datetime.now(UTC)
    start = now - timedelta(days=days)
    curve = await curve_in_force(principal.tenant_id, services)
    labels = await services.labels.since(principal.tenant_id, start)
    found = quality_of([(shown_of(one, curve), one.was_right) for one in labels])
    return QualityView(
        window_start=start,
        window_end=now,
        labels=found.n,
        brier=found.brier,
        constant_brier=found.constant_brier,
        ece=found.ece,
        reliability=[ReliabilityBinView.model_validate(one) for one in found.reliability],
        calibration=CalibrationView.model_validate(curve),
        labels_for_own_calibration=LABELS_FOR_OWN,
    )
