import json
from pathlib import Path

import pytest

from dev.host.bindings import AuthLevel
from dev.host.errors import HostRefused
from dev.host.keys import KEYS_FILE, KEYS_SETTING, HostKeys, load_keys, presented_key

KEYS = HostKeys(master="m", host=("h",), functions={"mine": ("own",)})


@pytest.mark.parametrize(
    ("level", "keys"),
    [
        (AuthLevel.ANONYMOUS, {None, "wrong", "own", "h", "m"}),
        (AuthLevel.FUNCTION, {"own", "h", "m"}),
        (AuthLevel.ADMIN, {"m"}),
    ],
)
def test_each_level_admits_its_keys_and_no_others(level: AuthLevel, keys: set[str | None]) -> None:
    assert {key for key in (None, "", "wrong", "own", "h", "m") if KEYS.allow(level, "Mine", key)} >= keys
    assert {key for key in ("wrong", "own", "h", "m") if KEYS.allow(level, "mine", key)} == keys - {None}


def test_the_key_of_one_function_does_not_open_another() -> None:
    assert not KEYS.allow(AuthLevel.FUNCTION, "yours", "own")


@pytest.mark.parametrize(
    ("header", "query", "key"),
    [("a", b"code=b", "a"), (None, b"x=1&code=b%3D", "b="), (None, b"x=1", None), (None, b"decode=b", None)],
)
def test_the_header_beats_the_code_parameter(header: str | None, query: bytes, key: str | None) -> None:
    assert presented_key(header, query) == key


def test_keys_are_generated_on_the_first_start_and_kept(tmp_path: Path) -> None:
    first = load_keys(tmp_path, {})
    assert first == load_keys(tmp_path, {})
    assert first.master != first.host[0]
    assert json.loads((tmp_path / KEYS_FILE).read_text())["master"] == first.master


def test_keys_in_the_environment_win_and_leave_no_file(tmp_path: Path) -> None:
    environ = {KEYS_SETTING: '{"master": "m", "host": {"default": "h"}, "functions": {"Mine": {"default": "own"}}}'}
    assert load_keys(tmp_path, environ) == KEYS
    assert not (tmp_path / KEYS_FILE).exists()


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"master": "m", "host": 1}'])
def test_keys_that_cannot_be_read_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(HostRefused, match="does not hold host keys"):
        load_keys(tmp_path, {KEYS_SETTING: text})
