"""`python -m shared.admin`: settings as the functions have them, one clear sentence when something cannot be done."""

import asyncio
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from functools import partial

from shared.admin.arguments import NEW_DATA_KEY, parser
from shared.admin.commands import Operating, carry_out, settings_of_key
from shared.bootstrap import build, build_archives, new_data_key, rewrapped
from shared.errors import CopilotError
from shared.pipeline.exporting import Archives
from shared.settings import SettingMissing, Settings


@asynccontextmanager
async def wired() -> AsyncIterator[Operating]:
    """What this environment's settings say."""
    settings = Settings.from_environment()
    process = build(settings)
    documents, blobs, closers = build_archives(settings)
    async with AsyncExitStack() as stack:
        for close in (process.aclose, *closers):
            stack.push_async_callback(close)
        yield Operating(
            process.services,
            Archives(documents, blobs),
            run_id=f"op-{uuid.uuid4().hex}",
            now=datetime.now(UTC),
            rewrapped=partial(rewrapped, settings),
        )


def main(
    arguments: Sequence[str] | None = None,
    wiring: Callable[[], AbstractAsyncContextManager[Operating]] = wired,
    new_key: Callable[[str], Awaitable[str]] = new_data_key,
) -> int:
    """Carry out one command: 0 when it is done, 1 with the reason on standard error when it is not."""
    asked = parser().parse_args(arguments)

    async def run() -> list[str]:
        if asked.command == NEW_DATA_KEY:
            return settings_of_key(asked.key_id, await new_key(asked.key_id))
        async with wiring() as on:
            return await carry_out(asked, on)

    try:
        said = asyncio.run(run())
    except (CopilotError, SettingMissing, OSError) as exc:
        sys.stderr.write(f"{exc}\n")
        return 1
    sys.stdout.write("".join(f"{line}\n" for line in said))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
