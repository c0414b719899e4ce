"""The restore drill: a tenant's backup is written, everything is lost, and the backup brings the tenant back."""

import asyncio
import json
import shutil
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dev.binaries import ROOT
from dev.sentences import CannotRun
from dev.stack import Layout, Stack, StackOptions

TENANT = "globex"
_WRITTEN_BY_THE_DRILL = ("audit_pending", "version", "updated_at")
"""Of the tenant's own record: the export and the import are in its trail."""

Say = Callable[[str], None]
Kept = Mapping[tuple[str, str], Mapping[str, Any]]
"""What a backup holds, by container and name."""


@dataclass(frozen=True)
class Difference:
    """What the restored tenant has less, other or more than the lost one."""

    missing: frozenset[tuple[str, str]]
    changed: frozenset[tuple[str, str]]
    added: frozenset[tuple[str, str]]

    @property
    def is_none(self) -> bool:
        """Whether all is there again; restoring announces itself in the trail, so entries there may be new."""
        return not (self.missing or self.changed or {container for container, _ in self.added} - {"audit"})


def compared(before: Kept, after: Kept) -> Difference:
    """How two backups differ in what they hold."""
    both = before.keys() & after.keys()
    return Difference(
        missing=frozenset(before.keys() - after.keys()),
        changed=frozenset(one for one in both if before[one] != after[one]),
        added=frozenset(after.keys() - before.keys()),
    )


def kept_in(backup: Path) -> Kept:
    """The documents and blobs of a backup, without its header and trailer."""
    held = {}
    for line in backup.read_bytes().splitlines()[1:-1]:
        one = json.loads(line)
        body = one.get("document") or {}
        if one["container"] == "tenant":
            body = {name: value for name, value in body.items() if name not in _WRITTEN_BY_THE_DRILL}
            one["document"] = body
        held[one["container"], str(one.get("name") or body.get("id"))] = one
    return held


async def drill(options: StackOptions, say: Say) -> bool:
    """Back up, lose everything, restore, compare. Raises CannotRun when a step cannot be made."""
    folder = options.layout.data
    before, after = folder / "before.ndjson", folder / "after.ndjson"
    for stale in (folder / "lost", folder / "new"):
        shutil.rmtree(stale, ignore_errors=True)
    for file in (before, after):
        file.unlink(missing_ok=True)
    key = await _lose_everything(options, before, say)
    began = time.monotonic()
    async with _storage_of(options, folder / "new", key) as environment:
        for line in await _admin(environment, "import", str(before)):
            say(f"  {line}")
        say(f"restored {time.monotonic() - began:.1f} s after the loss, the start of an empty store included")
        await _admin(environment, "export", "--tenant", TENANT, "--out", str(after), "--with-raw")
    found = compared(kept_in(before), kept_in(after))
    say(f"missing {len(found.missing)}, changed {len(found.changed)}, new in the trail {len(found.added)}")
    return found.is_none


async def _lose_everything(options: StackOptions, backup: Path, say: Say) -> bytes:
    """A backup and the data key: all that is left of an installation."""
    from dev.seed import seed_globex

    folder = options.layout.data / "lost"
    async with _storage_of(options, folder, None) as environment:
        await seed_globex(environment, now=datetime.now(UTC))
        for line in await _admin(environment, "export", "--tenant", TENANT, "--out", str(backup), "--with-raw"):
            say(f"  {line}")
        key = Layout(folder).key_file.read_bytes()
    shutil.rmtree(folder)
    say("the store and its blobs are gone; the backup and the data key are left")
    return key


@asynccontextmanager
async def _storage_of(options: StackOptions, folder: Path, key: bytes | None) -> AsyncIterator[Mapping[str, str]]:
    """Storage and store of a stack with data of its own, and the product's settings there."""
    layout = Layout(folder)
    if key is not None:
        layout.key_file.parent.mkdir(parents=True)
        layout.key_file.touch(mode=0o600)
        layout.key_file.write_bytes(key)
    stack = Stack(StackOptions(options.ports, layout))
    try:
        await stack.start_storage(lambda _: None)
        yield stack.environment
    finally:
        await stack.down()


async def _admin(environment: Mapping[str, str], *arguments: str) -> list[str]:
    """The operator's own command, as an operator runs it."""
    running = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "shared.admin", *arguments),
        cwd=ROOT,
        env=dict(environment),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, complained = await running.communicate()
    if running.returncode:
        raise CannotRun(f"shared.admin {arguments[0]}: {complained.decode().strip()}")
    return said.decode().splitlines()
