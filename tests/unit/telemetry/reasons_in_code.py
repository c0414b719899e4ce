"""The reasons that the code names: `reason="…"`, the errors' defaults, and the tables and enumerations of them."""

import ast
from collections.abc import Iterator
from pathlib import Path

from shared.adapters.addresses import Refusal
from shared.hypotheses.checks import NotRun
from shared.models.hypotheses import CheckVerdict
from shared.models.snapshots import SectionStatus

SHARED = Path(__file__).resolve().parents[3] / "shared"
COUNTED = ("adapters", "context", "hypotheses", "incidents", "pipeline", "signals")
"""What only the API says (a request's own faults) is counted nowhere."""
_TABLES = {"_REASONS", "_BY_STATUS", "_BY_ERROR_TYPE", "_LIMITS"}
_FLAGS = {"EVIDENCE_FLAGGED", "ANSWER_FLAGGED", "THROTTLED", "INTERRUPTED", "PARTIAL", "NO_QUESTION"}
ENUMERATED = frozenset(one.value for kind in (Refusal, NotRun, CheckVerdict, SectionStatus) for one in kind)


def reasons_in_code() -> set[str]:
    """All of them."""
    files = [SHARED / "errors.py", SHARED / "messages.py"]
    for part in COUNTED:
        files += sorted((SHARED / part).rglob("*.py"))
    texts = (file.read_text(encoding="utf-8") for file in files)
    # Parsing is what takes time, and most files name none.
    return set(ENUMERATED).union(*(_named(ast.parse(text)) for text in texts if "reason" in text.lower()))


def _named(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.keyword(arg="reason", value=ast.Constant(value=str(reason))):
                yield reason
            case ast.AnnAssign(target=ast.Name(id="default_reason"), value=ast.Constant(value=str(reason))):
                yield reason
            case ast.Assign(targets=[ast.Name(id="default_reason")], value=ast.Constant(value=str(reason))):
                yield reason
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if name in _TABLES | _FLAGS:
                yield from _values(value)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value) if name in _TABLES | _FLAGS:
                yield from _values(value)
            case ast.Return(value=ast.Tuple(elts=[_, ast.Constant(value=str(reason))])) if reason.islower():
                yield reason
            case ast.Call(func=ast.Name(id="unusable"), args=[_, ast.Constant(value=str(reason))]):
                yield reason


def _values(value: ast.expr) -> Iterator[str]:
    held = value.values if isinstance(value, ast.Dict) else [value]
    yield from (one.value for one in held if isinstance(one, ast.Constant) and isinstance(one.value, str))
