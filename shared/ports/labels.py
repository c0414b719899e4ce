"""What people said of hypotheses, and the calibration that was fitted to it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from shared.models.base import TenantId
from shared.models.calibration import TenantCalibration
from shared.models.feedback import Label

MAX_LABELS = 2000
"""What is read for a fit or a table: more would not change either."""


class LabelStore(Protocol):
    """Labels of one tenant; every method may raise StoreUnavailable."""

    async def keep(self, tenant_id: TenantId, label: Label) -> None:
        """Keep a label instead of an earlier one of the same hypothesis."""
        ...

    async def forget(self, tenant_id: TenantId, label_id: str) -> None:
        """Forget a label that was taken back; one that is not there is forgotten already. Raises Conflict."""
        ...

    async def since(self, tenant_id: TenantId, start: datetime, *, limit: int = MAX_LABELS) -> Sequence[Label]:
        """The labels given from `start` on, the newest first, at most `limit`."""
        ...

    async def calibration(self, tenant_id: TenantId) -> TenantCalibration | None:
        """The tenant's own calibration; None while it has none."""
        ...

    async def keep_calibration(self, tenant_id: TenantId, calibration: TenantCalibration) -> None:
        """Keep a calibration instead of the one before; the later write stays."""
        ...
