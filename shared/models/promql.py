"""What Prometheus answers, as Prometheus says it: values stay texts, so `NaN` and `+Inf` are not lost in JSON."""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Seconds = Annotated[float, Field(allow_inf_nan=False)]
"""Epoch seconds."""
Labels = dict[str, str]
Told = Annotated[tuple[str, ...], BeforeValidator(lambda told: () if told is None else told)]


class _Said(BaseModel):
    """Newer versions and lookalikes add fields of their own; those are not passed on."""

    model_config = ConfigDict(frozen=True, extra="ignore", serialize_by_alias=True)


class NativeHistogram(_Said):
    """Buckets are (boundary rule 0 to 3, left, right, count)."""

    count: str
    sum: str
    buckets: tuple[tuple[int, str, str, str], ...] = ()


Point = tuple[Seconds, str]
HistogramPoint = tuple[Seconds, NativeHistogram]


class FloatSample(_Said):
    """A series at one time."""

    metric: Labels
    value: Point


class HistogramSample(_Said):
    """A native histogram at one time."""

    metric: Labels
    histogram: HistogramPoint


class FloatSeries(_Said):
    """A series over time."""

    metric: Labels
    values: tuple[Point, ...]


class HistogramSeries(_Said):
    """A series of native histograms over time."""

    metric: Labels
    histograms: tuple[HistogramPoint, ...]


class MixedSeries(_Said):
    """A series whose type changed within the range."""

    metric: Labels
    values: tuple[Point, ...]
    histograms: tuple[HistogramPoint, ...]


class Vector(_Said):
    """Series at one time."""

    result_type: Literal["vector"] = Field(alias="resultType")
    result: tuple[FloatSample | HistogramSample, ...]


class Matrix(_Said):
    """Series over time."""

    result_type: Literal["matrix"] = Field(alias="resultType")
    result: tuple[FloatSeries | HistogramSeries | MixedSeries, ...]


class Scalar(_Said):
    """A number."""

    result_type: Literal["scalar"] = Field(alias="resultType")
    result: Point


class Text(_Said):
    """A string literal."""

    result_type: Literal["string"] = Field(alias="resultType")
    result: Point


class QueryAnswer(_Said):
    """Prometheus's own envelope. `error` beside data means that the data is partial; warnings and infos stay."""

    status: Literal["success", "error"]
    data: Vector | Matrix | Scalar | Text = Field(discriminator="result_type")
    error_type: str | None = Field(default=None, alias="errorType", max_length=100)
    error: str | None = Field(default=None, description="Why the data is partial.")
    warnings: Told = ()
    infos: Told = ()


class QueryRefusal(_Said):
    """The envelope of an error that comes without data."""

    status: Literal["error"]
    error_type: str = Field(default="", alias="errorType")
    error: str = ""
