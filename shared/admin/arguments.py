"""What the operator's command understands."""

import argparse
import re
from collections.abc import Callable
from pathlib import Path

from shared.access.tokens import GUID
from shared.models.tenants import PlanType, Role

_MONEY = re.compile(r"[0-9]{1,6}(\.[0-9]{1,4})?")
_SLUG = re.compile(r"[a-z0-9](-?[a-z0-9])*")
# With the version: only the one that wrapped a key unwraps it, and without one Key Vault takes the newest.
_KEY_ID = re.compile(r"https://[^/\s]+/keys/[A-Za-z0-9-]+/[A-Za-z0-9]+")
NEW_DATA_KEY = "new-data-key"
"""Comes before all settings, so it needs none."""
MAX_NAME_CHARS = 200
MAX_SLUG_CHARS = 63


def parser() -> argparse.ArgumentParser:
    """One subcommand for each thing an operator does."""
    made = argparse.ArgumentParser(prog="python -m shared.admin", description="Tenants of this installation.")
    commands = made.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _tenants(commands)
    _backups(commands)
    return made


def _tenants(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    onboard = commands.add_parser("onboard", help="take a tenant on; again, it completes what is missing")
    onboard.add_argument("--name", required=True, type=_text("a name", _named))
    onboard.add_argument(
        "--slug", required=True, type=_text("a slug", _slug), help="short name, for good: a-z, 0-9, -"
    )
    onboard.add_argument(
        "--entra-tenant-id", required=True, type=_text("a directory id", _guid), help="the customer's directory"
    )
    onboard.add_argument("--plan", type=PlanType, choices=list(PlanType), default=PlanType.STARTER)
    _of_tenant(commands, "show", "print a tenant's record")
    plan = _of_tenant(commands, "plan", "change a tenant's plan and quota")
    plan.add_argument("--plan-type", type=PlanType, choices=list(PlanType))
    plan.add_argument("--max-services", type=_between(1, 10_000))
    plan.add_argument("--alerts-per-minute", type=_between(1, 1_000_000))
    plan.add_argument("--model-daily-budget", type=_amount, help="for models in a day, in the settings' currency")
    user = _of_tenant(commands, "user", "set what a person's record leaves of their Entra role; for the first admin")
    user.add_argument("--object-id", required=True, type=_text("an object id", _guid), help="theirs in Entra ID")
    user.add_argument("--email", default="", type=_text("an address", _short), help="shown where they are named")
    user.add_argument("--name", default="", type=_text("a name", _short))
    user.add_argument("--role", required=True, type=Role, choices=list(Role))
    _of_tenant(commands, "deactivate", "let nobody of a tenant in, and investigate nothing; alerts are kept")
    _of_tenant(commands, "activate", "undo deactivate")


def _backups(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    export = _of_tenant(commands, "export", "write all of a tenant to a file")
    export.add_argument("--out", required=True, type=Path, help="a new file; one that is there is not overwritten")
    export.add_argument("--with-raw", action="store_true", help="also the bodies of deliveries, as they came")
    rewrap = commands.add_parser("rewrap", help="print the data key wrapped by another key of Key Vault")
    rewrap.add_argument("--new-key-id", required=True, type=_text("the identifier of a version of a key", _key_id))
    fresh = commands.add_parser(NEW_DATA_KEY, help="print the settings of a new environment's data key")
    fresh.add_argument("--key-id", required=True, type=_text("the identifier of a version of a key", _key_id))
    restore = commands.add_parser("import", help="restore a tenant that is not there from such a file")
    restore.add_argument("file", type=Path)


def _of_tenant(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, words: str
) -> argparse.ArgumentParser:
    made = commands.add_parser(name, help=words)
    made.add_argument("--tenant", required=True, help="its slug or id")
    return made


def _text(what: str, is_one: Callable[[str], bool]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if not is_one(text):
            raise argparse.ArgumentTypeError(f"{text!r} is not {what}")
        return text

    return read


def _named(text: str) -> bool:
    return bool(text.strip()) and _short(text)


def _short(text: str) -> bool:
    return text.isprintable() and len(text) <= MAX_NAME_CHARS


def _slug(text: str) -> bool:
    return len(text) <= MAX_SLUG_CHARS and _SLUG.fullmatch(text) is not None


def _key_id(text: str) -> bool:
    return _short(text) and _KEY_ID.fullmatch(text) is not None


def _guid(text: str) -> bool:
    return GUID.fullmatch(text) is not None


def _amount(text: str) -> float:
    if not _MONEY.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not an amount of money, like 2.50")
    return float(text)


def _between(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} to {most}")
        return int(text)

    return read
