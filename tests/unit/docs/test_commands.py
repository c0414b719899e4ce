"""Commands in the documents are understood by the programs that they call, and those that cost little do run.

A command in a block marked `sh` either runs here or stands in NOT_RUN with the reason; blocks marked `text` are for
reading. Wherever else one of our commands is named, its words and options are put to the program's own parser.
"""

import importlib.util
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from bench.__main__ import app as bench
from dev.__main__ import app as dev
from evals.__main__ import app as evals
from shared.admin.arguments import parser
from tests.unit.docs.documents import DOCUMENTS, ROOT, Block, blocks, code_words, name_of, text_of

RUN = ("python -m dev parse ", "python -m dev redact ")
"""They read a file and print: no stack, no network, no write."""

NOT_RUN = {
    "make ": "the tests themselves, the demo, or this very check",
    "export ": "sets the reader's environment",
    "curl ": "asks a running stack",
    "TOKEN=": "asks a stack that has run",
    "python -m dev demo": "starts the whole stack: tests/e2e/test_demo.py does",
    "python -m dev drill": "starts two stores: tests/e2e/test_restore_drill.py does",
    "python -m dev seed": "writes to a running stack: tests/unit/dev_seed",
    "python -m dev test": "the tests themselves",
    "python -m shared.admin ": "acts on an installation: tests/unit/admin",
    "python -m evals replay": "reads a running stack: tests/unit/evals",
    "python -m ruff ": "make lint",
    "python -m mypy": "make types",
    "lint-imports": "make imports",
}

TYPER = {"dev": dev, "bench": bench, "evals": evals}
_CALL = re.compile(r"python -m ((?:dev|bench|evals|shared\.admin)\b[^`|&;>#(),\"\n]*)")
_MODULE = re.compile(r"python -m ([\w.]+)")
_STANDS_FOR = {
    "GUID": "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa",
    "ID": "https://vault.vault.azure.net/keys/data/0123456789abcdef0123456789abcdef",
    "NAME": "Shop", "SLUG": "shop", "ROLE": "admin", "P": "starter", "N": "5", "K": "5", "SEED": "7", "A": "1",
}  # fmt: skip
"""Placeholders of the documents, with what a reader could put there."""


def commands_to_run() -> Iterator[tuple[Path, str]]:
    """Each command of each `sh` block, as if the virtual environment were on PATH."""
    for block in blocks("sh"):
        joined = block.text.replace("\\\n", " ")
        for line in joined.splitlines():
            command = re.sub(r"\s+#.*", "", line).strip().replace(".venv/bin/", "")
            if command:
                yield block.document, command


def calls() -> Iterator[tuple[Path, str]]:
    """Every call of a program of ours that any document names."""
    for document in DOCUMENTS:
        texts = [*code_words(document), *(one.text for one in blocks() if one.document == document)]
        for text in texts:
            for said in _CALL.findall(text):
                yield document, said.strip()


def words_of(call: str) -> list[str]:
    plain = re.sub(r"\s\s+.*|[\[\]]", "", call)
    return [_STANDS_FOR.get(one, one) for one in plain.split() if one not in {"…", "..."}]


CALLS = sorted({(name_of(document), said) for document, said in calls()})
RUNNING = sorted({command for _, command in commands_to_run() if command.startswith(RUN)})


def test_every_command_in_a_shell_block_runs_or_says_why_not() -> None:
    neither = [
        (name_of(document), command)
        for document, command in commands_to_run()
        if not command.startswith((*RUN, *NOT_RUN))
    ]
    assert neither == []
    unused = [one for one in NOT_RUN if not any(command.startswith(one) for _, command in commands_to_run())]
    assert unused == []


@pytest.mark.parametrize("command", RUNNING)
def test_it_runs(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    # In this process: a new one would spend its time on imports alone.
    ran = CliRunner().invoke(dev, command.split()[3:])
    assert ran.exit_code == 0, ran.output
    assert ran.output


@pytest.mark.parametrize(("document", "call"), CALLS)
def test_its_program_understands_it(document: str, call: str) -> None:
    program, *words = words_of(call)
    if not words or document == "docs/decisions/README.md":
        return
    if program == "shared.admin":
        understood_by_admin(words)
    else:
        understood_by_typer(program, words)


def understood_by_typer(program: str, words: list[str]) -> None:
    command = typer.main.get_group(TYPER[program]).commands[words[0]]
    # A sentence may name a command without what it needs; one that names options has to be whole.
    if len(words) > 1:
        command.make_context(words[0], words[1:])


def understood_by_admin(words: list[str]) -> None:
    if len(words) > 1:
        parser().parse_args(words)
    else:
        assert words[0] in parser().format_help()


def test_every_module_that_is_called_is_there() -> None:
    called = {name for one in DOCUMENTS for name in _MODULE.findall(text_of(one))}
    assert [name for name in called if importlib.util.find_spec(name) is None] == []


def test_every_target_of_make_is_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):", text_of(ROOT / "Makefile"), re.MULTILINE))
    texts = [*(words for one in DOCUMENTS for words in code_words(one)), *(one.text for one in blocks("sh"))]
    assert {name for text in texts for name in re.findall(r"^make ([a-z-]+)", text, re.M)} <= targets


@pytest.mark.parametrize("block", list(blocks("json")), ids=lambda one: name_of(one.document))
def test_an_example_in_json_is_json(block: Block) -> None:
    assert json.loads(block.text)
