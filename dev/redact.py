"""A dry run of redaction: what of a file would be masked, and as what. The secrets themselves are never printed."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dev.sentences import CannotRun
from shared.redaction import Tally, counts, one_line, redact, redact_value

MAX_FILE_BYTES = 16 * 1024 * 1024
MAX_DEPTH = 100
SHOWN_CHARS = 160


@dataclass(frozen=True)
class Masked:
    """One value that would be changed: where it is, how many of each kind it holds, and what would be kept of it."""

    path: str
    kinds: Mapping[str, int]
    value: str


@dataclass(frozen=True)
class Report:
    """All that would be changed, of so many values."""

    values: int
    masked: tuple[Masked, ...]

    @property
    def counts(self) -> dict[str, int]:
        """By kind."""
        total: dict[str, int] = {}
        for one in self.masked:
            for kind, count in one.kinds.items():
                total[kind] = total.get(kind, 0) + count
        return dict(sorted(total.items()))


def report_of(path: Path) -> Report:
    """A JSON file by its values, any other by its lines; raises CannotRun with a sentence when it cannot be read."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise CannotRun(f"{path} has more than {MAX_FILE_BYTES} bytes; give a part of it")
        text = path.read_bytes().decode("utf-8-sig", errors="replace")
    except OSError as exc:
        raise CannotRun(f"{path} cannot be read: {exc.strerror}") from exc
    found: list[Masked] = []
    values = list(_values(text, path))
    for where, name, value in values:
        tally = Tally()
        masked = redact_value(name, value, tally)
        if masked != value:
            found.append(Masked(redact(where), counts(tally), one_line(masked)))
    return Report(len(values), tuple(found))


def as_text(report: Report) -> str:
    """A line for each value, and one for all."""
    lines = [f"{one.path}\t{_told(one.kinds)}\t{_shown(one.value)}" for one in report.masked]
    told = f": {_told(report.counts)}" if report.masked else ""
    return "\n".join([*lines, f"{len(report.masked)} of {report.values} values would be changed{told}"])


def as_json(report: Report) -> str:
    """The same for jq."""
    masked = [{"path": one.path, "kinds": dict(one.kinds), "value": one.value} for one in report.masked]
    return json.dumps(
        {"values": report.values, "counts": report.counts, "masked": masked}, indent=2, ensure_ascii=False
    )


def _values(text: str, path: Path) -> Iterator[tuple[str, str, str]]:
    """Every text with its path and its name."""
    try:
        parsed = json.loads(text)
    except RecursionError as exc:
        raise CannotRun(f"{path} is nested too deeply") from exc
    except ValueError:
        for number, line in enumerate(text.splitlines(), start=1):
            yield f"line {number}", "", line
        return
    yield from _inside(parsed, path, "", "", depth=0)


def _inside(value: Any, path: Path, where: str, name: str, *, depth: int) -> Iterator[tuple[str, str, str]]:
    if depth > MAX_DEPTH:
        raise CannotRun(f"{path} is nested too deeply")
    match value:
        case dict():
            for key, content in value.items():
                yield from _inside(content, path, f"{where}.{key}" if where else key, key, depth=depth + 1)
        case list():
            for position, content in enumerate(value):
                yield from _inside(content, path, f"{where}[{position}]", name, depth=depth + 1)
        case str():
            yield where, name, value


def _told(kinds: Mapping[str, int]) -> str:
    return ", ".join(kind if count == 1 else f"{kind} x{count}" for kind, count in kinds.items())


def _shown(value: str) -> str:
    return value if len(value) <= SHOWN_CHARS else value[: SHOWN_CHARS - 1] + "…"
