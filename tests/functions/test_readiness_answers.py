"""The world is told yes or no; only an operator is told who is down, and which settings are wrong."""

import json
from dataclasses import replace

import azure.functions as func
import pytest

import function_app
from functions.readiness import ready_answer
from shared.bootstrap import Process
from shared.settings import SettingMissing, SettingUnusable
from tests.functions.test_webhook_answers import a_process
from tests.unit.pipeline.test_readiness import DownLookups


async def ready(process: Process, *, in_detail: bool = False) -> func.HttpResponse:
    async def wired() -> Process:
        return process

    return await ready_answer(in_detail=in_detail, wired=wired)


async def a_process_without_its_store() -> Process:
    process = await a_process()
    return replace(process, services=replace(process.services, lookups=DownLookups()))


async def test_the_world_is_told_yes_or_no() -> None:
    yes, no = await ready(await a_process()), await ready(await a_process_without_its_store())
    assert (yes.status_code, json.loads(yes.get_body())) == (200, {"ready": True})
    assert (no.status_code, json.loads(no.get_body())) == (503, {"ready": False})
    assert no.headers["Cache-Control"] == "no-store"


async def test_an_operator_is_told_who_is_down_and_why() -> None:
    answer = await ready(await a_process_without_its_store(), in_detail=True)
    details = json.loads(answer.get_body())
    assert (answer.status_code, details["ready"]) == (503, False)
    assert {one["name"]: one["last_error"] for one in details["dependencies"] if not one["up"]} == {
        "database": "store_timeout"
    }
    assert all(one["latency_seconds"] >= 0 for one in details["dependencies"])


@pytest.mark.parametrize("kind", [SettingMissing, SettingUnusable])
async def test_wrong_settings_are_named_to_an_operator_alone(kind: type[Exception]) -> None:
    async def wired() -> Process:
        raise kind("the setting A is not set; the setting B is not a URL")

    world = await ready_answer(in_detail=False, wired=wired)
    operator = await ready_answer(in_detail=True, wired=wired)
    assert (world.status_code, world.get_body()) == (503, b'{"ready": false}')
    assert json.loads(operator.get_body())["settings"] == ["the setting A is not set", "the setting B is not a URL"]


def test_only_who_has_a_key_gets_to_the_details() -> None:
    function_app.app.functions_bindings = None
    levels = {
        one.get_function_name(): str(one.get_trigger().auth_level.value)
        for one in function_app.app.get_functions()
        if one.get_function_name().startswith("health")
    }
    assert levels == {
        "health": "anonymous",
        "health_live": "anonymous",
        "health_ready": "anonymous",
        "health_details": "function",
    }
