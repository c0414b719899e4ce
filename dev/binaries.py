"""Where the programs are that the stack starts and does not bring along."""

import platform
import shutil
from pathlib import Path

from dev.sentences import CannotRun

ROOT = Path(__file__).resolve().parent.parent

_BREW = {"prometheus": "prometheus", "alertmanager": "alertmanager"}
_DEBIAN = {"prometheus": "prometheus", "alertmanager": "prometheus-alertmanager"}
_NAMES = {"prometheus": ("prometheus",), "alertmanager": ("prometheus-alertmanager", "alertmanager")}


def find(program: str) -> str:
    """The path of Prometheus or Alertmanager; raises CannotRun with what to install."""
    for name in _NAMES[program]:
        if found := shutil.which(name):
            return found
    if platform.system() == "Darwin":
        raise CannotRun(f"{program} is not on PATH; install it with: brew install {_BREW[program]}")
    raise CannotRun(f"{program} is not on PATH; run `make setup`, which installs {_DEBIAN[program]}")


def azurite() -> list[str]:
    """The command that runs Azurite; raises CannotRun when it is not installed here."""
    script = ROOT / "node_modules" / "azurite" / "dist" / "src" / "azurite.js"
    node = shutil.which("node")
    if node is None:
        raise CannotRun("node is not on PATH; install Node 20 or newer")
    if not script.exists():
        raise CannotRun("Azurite is not installed; run `make setup`")
    return [node, str(script)]


def functions_host() -> str | None:
    """Azure Functions Core Tools, when they are on PATH."""
    return shutil.which("func")
