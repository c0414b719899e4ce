"""host.json and local.settings.json, with the overrides Azure applies to them."""

import json
import os
import re
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dev.host.delivery import MessageEncoding, QueueRules
from dev.host.errors import HostRefused

_OVERRIDE_PREFIX = "azurefunctionsjobhost__"
_TIME_SPAN = re.compile(r"(?:(?P<days>\d+)\.)?(?P<hours>\d+):(?P<minutes>\d+)(?::(?P<seconds>\d+(?:\.\d+)?))?")
_SETTING_REFERENCE = re.compile(r"%([^%]+)%")
_MAX_BODY_BYTES = 104_857_600
_MAX_BATCH = 32


@dataclass(frozen=True)
class HostSettings:
    """Every setting of the host that changes what it does; a timeout of None means unbounded."""

    route_prefix: str
    queues: QueueRules
    function_timeout_seconds: float | None
    max_body_bytes: int
    threads: int


def load_local_settings(folder: Path, environ: MutableMapping[str, str]) -> None:
    """Put `Values` of local.settings.json into `environ` where it says nothing; local means Development."""
    document = _read_json(folder / "local.settings.json")
    for name, setting in (document.get("Values") or {}).items():
        if not isinstance(setting, str):
            raise HostRefused(f"Values.{name} in local.settings.json is not a string")
        environ.setdefault(name, setting)
    environ.setdefault("AZURE_FUNCTIONS_ENVIRONMENT", "Development")


def load_host_settings(folder: Path, environ: Mapping[str, str]) -> HostSettings:
    """host.json under `folder`, defaults where it is silent, `AzureFunctionsJobHost__a__b` above both."""
    document = _overridden(_read_json(folder / "host.json"), environ)
    http = _section(document, "extensions", "http")
    timeout = str(document.get("functiontimeout", "00:30:00"))
    try:
        return HostSettings(
            route_prefix=str(http.get("routeprefix", "api")).strip("/"),
            queues=_queue_rules(_section(document, "extensions", "queues"), environ),
            function_timeout_seconds=None if timeout == "-1" else parse_time_span(timeout),
            max_body_bytes=int(environ.get("FUNCTIONS_REQUEST_BODY_SIZE_LIMIT", _MAX_BODY_BYTES)),
            threads=int(environ.get("PYTHON_THREADPOOL_THREAD_COUNT") or min(32, (os.cpu_count() or 1) + 4)),
        )
    except ValueError as exc:
        raise HostRefused(f"host.json is not usable: {exc}") from exc


def parse_time_span(text: str) -> float:
    """Seconds of a .NET time span such as 00:00:30 or 1.00:00:00; raises ValueError."""
    match = _TIME_SPAN.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a time span such as 00:00:30")
    days, hours, minutes, seconds = (float(match[part] or 0) for part in ("days", "hours", "minutes", "seconds"))
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def resolve_references(text: str, environ: Mapping[str, str]) -> str:
    """`text` with each %NAME% replaced by that app setting; raises HostRefused when one is missing."""

    def setting(match: re.Match[str]) -> str:
        name = match[1]
        if name not in environ:
            raise HostRefused(f"the app setting {name} that {text!r} refers to is not set")
        return environ[name]

    return _SETTING_REFERENCE.sub(setting, text)


def _queue_rules(queues: Mapping[str, Any], environ: Mapping[str, str]) -> QueueRules:
    batch_size = int(queues.get("batchsize", 16))
    if not 1 <= batch_size <= _MAX_BATCH:
        raise ValueError(f"extensions.queues.batchSize is {batch_size}, it must be 1 to {_MAX_BATCH}")
    development = environ.get("AZURE_FUNCTIONS_ENVIRONMENT", "").lower() == "development"
    longest_poll = queues.get("maxpollinginterval", "00:00:02" if development else "00:01:00")
    return QueueRules(
        batch_size=batch_size,
        new_batch_threshold=int(queues.get("newbatchthreshold", batch_size // 2 * (os.cpu_count() or 1))),
        max_dequeue_count=int(queues.get("maxdequeuecount", 5)),
        retry_delay_seconds=parse_time_span(str(queues.get("visibilitytimeout", "00:00:00"))),
        max_polling_seconds=parse_time_span(str(longest_poll)),
        encoding=MessageEncoding(str(queues.get("messageencoding", "base64")).lower()),
    )


def _overridden(document: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    settings = _lowered(document)
    for name, setting in environ.items():
        if not name.lower().startswith(_OVERRIDE_PREFIX):
            continue
        *path, leaf = name.lower().removeprefix(_OVERRIDE_PREFIX).split("__")
        section = settings
        for part in path:
            section = section.setdefault(part, {})
            if not isinstance(section, dict):
                raise HostRefused(f"{name} overrides a part of host.json that is not a section")
        section[leaf] = setting
    return settings


def _lowered(document: Mapping[str, Any]) -> dict[str, Any]:
    # Configuration keys are case-insensitive in .NET, and environment names often come in capitals.
    return {key.lower(): _lowered(value) if isinstance(value, dict) else value for key, value in document.items()}


def _section(document: Mapping[str, Any], *path: str) -> Mapping[str, Any]:
    section = document
    for part in path:
        inner = section.get(part) or {}
        if not isinstance(inner, dict):
            raise HostRefused(f"{'.'.join(path)} in host.json is not a section")
        section = inner
    return section


def _read_json(file: Path) -> dict[str, Any]:
    if not file.exists():
        return {}
    try:
        document = json.loads(file.read_text(encoding="utf-8-sig"))
    except ValueError as exc:
        raise HostRefused(f"{file.name} is not JSON: {exc}") from exc
    if not isinstance(document, dict):
        raise HostRefused(f"{file.name} is not a JSON object")
    return document
