"""Plays the matrix on one stack, several shops side by side, and says whether the goals are met."""

import asyncio
import secrets
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dev.commands import refusing, run_stack
from dev.matrix.cases import Case, cases_of
from dev.matrix.judging import Result, are_met
from dev.matrix.lane import Lane
from dev.matrix.printing import as_json, line_of, print_report
from dev.ports import Ports, a_free_base
from dev.stack import Layout, Stack, StackOptions
from shared.bootstrap import build
from shared.settings import Settings

STAGGER_SECONDS = 3
"""Lanes start one after the other: processes that start take the CPU that shops need to look well."""


@dataclass(frozen=True)
class MatrixOptions:
    """What is played, and where."""

    data: Path
    seed: int
    cases: int | None
    lanes: int
    as_json: bool
    own_host: bool = False


def run_the_matrix(options: MatrixOptions) -> None:
    """Play it and print what came of it. Exit 1 when a goal is missed, or when it was stopped before its end."""
    # It is our own folder, and nothing of an earlier run may count in this one.
    shutil.rmtree(options.data, ignore_errors=True)
    with refusing():
        stack_options = StackOptions(Ports(a_free_base()), Layout(options.data), own_host=options.own_host)
    results: list[Result] = []
    wanted = cases_of(options.seed)[: options.cases]
    began = time.monotonic()

    async def play(stack: Stack) -> bool:
        await _play_all(stack, wanted, options, results)
        return True

    run_stack(stack_options, play, start=_start)
    seconds = round(time.monotonic() - began, 1)
    if options.as_json:
        print(as_json(options.seed, results, seconds))
    else:
        print_report(options.seed, results, seconds)
    if len(results) < len(wanted) or not are_met(results):
        raise SystemExit(1)


async def _start(stack: Stack) -> None:
    """Storage, identity and the product; each case brings a shop of its own."""
    await stack.start_storage(lambda _: None)
    await stack.start_host(lambda _: None)


async def _play_all(stack: Stack, wanted: Sequence[Case], options: MatrixOptions, results: list[Result]) -> None:
    process = build(Settings.from_environment(stack.environment))
    queue: asyncio.Queue[Case] = asyncio.Queue()
    for case in wanted:
        queue.put_nowait(case)
    try:
        async with asyncio.TaskGroup() as group:
            for number in range(1, min(options.lanes, len(wanted)) + 1):
                lane = Lane(number, Ports(a_free_base()), stack, process)
                group.create_task(_play_lane(lane, queue, results, len(wanted), number))
    finally:
        await process.aclose()


async def _play_lane(lane: Lane, queue: "asyncio.Queue[Case]", results: list[Result], of: int, number: int) -> None:
    run = secrets.token_hex(3)
    await asyncio.sleep((number - 1) * STAGGER_SECONDS)
    while not queue.empty():
        result = await lane.play(queue.get_nowait(), run)
        results.append(result)
        # On standard error: with --json, standard output is for the machine.
        print(line_of(result, len(results), of), file=sys.stderr, flush=True)
