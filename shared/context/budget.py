"""How many queries one snapshot may ask of a tenant's Prometheus, which people use at the same time."""

from datetime import datetime

from shared.errors import SourceUnavailable
from shared.ports.metrics import MAX_SERIES, Answer, MetricsSource

MAX_QUERIES = 25


class Budgeted:
    """A MetricsSource that refuses, with reason `query_budget`, what goes beyond the budget of one snapshot."""

    def __init__(self, source: MetricsSource, *, limit: int = MAX_QUERIES) -> None:
        self._source = source
        self._limit = limit
        self.asked = 0
        self.is_partial = False
        """Whether the source said of any answer that a part is missing."""

    async def query(self, promql: str, *, at: datetime, max_series: int = MAX_SERIES) -> Answer:
        """See MetricsSource."""
        self._take()
        return self._heard(await self._source.query(promql, at=at, max_series=max_series))

    async def query_range(
        self, promql: str, *, start: datetime, end: datetime, step_seconds: float, max_series: int = MAX_SERIES
    ) -> Answer:
        """See MetricsSource."""
        self._take()
        answer = await self._source.query_range(
            promql, start=start, end=end, step_seconds=step_seconds, max_series=max_series
        )
        return self._heard(answer)

    def _heard(self, answer: Answer) -> Answer:
        self.is_partial = self.is_partial or answer.is_partial
        return answer

    def _take(self) -> None:
        if self.asked >= self._limit:
            raise SourceUnavailable(f"a snapshot asks at most {self._limit} queries", reason="query_budget")
        self.asked += 1
