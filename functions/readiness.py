"""What is told of readiness: the world a bare yes or no, an operator how each dependency stands."""

import json
from collections.abc import Awaitable, Callable, Mapping

import azure.functions as func

from shared.bootstrap import Process, process
from shared.pipeline.readiness import told
from shared.settings import SettingMissing, SettingUnusable

NOT_READY = 503
_UNCACHED = {"Cache-Control": "no-store"}


async def ready_answer(*, in_detail: bool, wired: Callable[[], Awaitable[Process]] = process) -> func.HttpResponse:
    """200 when everything that is required answers, else 503; wrong settings are named to an operator alone."""
    try:
        running = await wired()
    except (SettingMissing, SettingUnusable) as exc:
        return _answer(False, {"ready": False, "settings": str(exc).split("; ")}, in_detail=in_detail)
    report = await running.readiness.report()
    return _answer(report.is_ready, told(report), in_detail=in_detail)


def _answer(is_ready: bool, details: Mapping[str, object], *, in_detail: bool) -> func.HttpResponse:
    body = details if in_detail else {"ready": is_ready}
    status = 200 if is_ready else NOT_READY
    return func.HttpResponse(json.dumps(body), status_code=status, mimetype="application/json", headers=_UNCACHED)
