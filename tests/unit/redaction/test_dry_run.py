"""`python -m dev redact`: what would go, and never what it was."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dev.__main__ import app
from tests.planted import PLANTED

runner = CliRunner()


def written(folder: Path, text: str) -> str:
    path = folder / "payload.json"
    path.write_text(text)
    return str(path)


def test_it_tells_path_kind_and_what_stays_of_a_payload(tmp_path: Path) -> None:
    body = {
        "alerts": [{"labels": {"api_key": "plain", "job": "x"}, "annotations": {"summary": "mail a@example.com"}}]
    }
    answer = runner.invoke(app, ["redact", written(tmp_path, json.dumps(body))])
    assert answer.exit_code == 0
    assert answer.output.splitlines() == [
        "alerts[0].labels.api_key\tsecret_value\t[redacted:secret_value]",
        "alerts[0].annotations.summary\temail\tmail [redacted:email]",
        "2 of 3 values would be changed: email, secret_value",
    ]


def test_a_log_is_read_by_its_lines(tmp_path: Path) -> None:
    answer = runner.invoke(app, ["redact", written(tmp_path, "started\nlogin password=hunter2\n"), "--json"])
    assert json.loads(answer.output) == {
        "values": 2,
        "counts": {"secret_value": 1},
        "masked": [
            {"path": "line 2", "kinds": {"secret_value": 1}, "value": "login password=[redacted:secret_value]"}
        ],
    }


def test_no_secret_is_ever_printed(tmp_path: Path) -> None:
    body = {one.text: [{"text": one.text}] for one in PLANTED}
    for flags in ([], ["--json"]):
        output = runner.invoke(app, ["redact", written(tmp_path, json.dumps(body)), *flags]).output
        assert not [one.secret for one in PLANTED if one.secret in output]


@pytest.mark.parametrize(
    ("text", "why"),
    [(None, "cannot be read"), ("[" * 200 + "]" * 200, "nested too deeply"), ("x" * (16 * 1024 * 1024 + 1), "bytes")],
    ids=["missing", "deep", "large"],
)
def test_a_file_that_cannot_be_read_is_refused_in_a_sentence(tmp_path: Path, text: str | None, why: str) -> None:
    path = str(tmp_path / "nothing") if text is None else written(tmp_path, text)
    answer = runner.invoke(app, ["redact", path])
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert why in answer.stderr
    assert len(answer.stderr.splitlines()) == 1
