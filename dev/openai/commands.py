"""`python -m dev openai`: reads how the simulator is to behave, and serves."""

import sys
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from dev.openai.script import Answer, Behaviour
from dev.openai.server import serve

_SCRIPT: TypeAdapter[tuple[Answer, ...]] = TypeAdapter(tuple[Answer, ...])


def run_simulator(
    port: int,
    script: Path | None,
    *,
    mode: str = "scripted",
    latency_ms: int = 0,
    spread_ms: int = 0,
    auth: str = "any",
    key: str | None = None,
) -> None:
    """Serve until a signal; exit with one sentence when it was told something that it does not know."""
    try:
        behaviour = Behaviour.model_validate(
            {
                "mode": mode,
                "latency_seconds": latency_ms / 1000,
                "spread_seconds": spread_ms / 1000,
                "auth": auth,
                "key": key,
            }
        )
        answers = _SCRIPT.validate_json(script.read_bytes()) if script else ()
    except (ValidationError, OSError) as exc:
        wrong = exc.errors()[0]["msg"] if isinstance(exc, ValidationError) else str(exc)
        print(f"openai: {wrong}", file=sys.stderr)
        raise SystemExit(2) from exc
    serve(port=port, behaviour=behaviour, answers=answers)
