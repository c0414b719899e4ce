"""Which files a deployment would carry: the tree without what .funcignore names."""

from pathlib import Path

import pathspec

ROOT = Path(__file__).parents[2]
# Where a developer's own files and other tools' caches are; .funcignore must name them, so only the walk is spared.
_LARGE = {".git", ".venv", "node_modules", ".local"}


def funcignore() -> pathspec.GitIgnoreSpec:
    """The patterns of .funcignore, which have the meaning they have in a .gitignore."""
    return pathspec.GitIgnoreSpec.from_lines((ROOT / ".funcignore").read_text(encoding="utf-8").splitlines())


def deployed_files() -> set[str]:
    """Paths from the root of every file that would be uploaded."""
    ignored = funcignore()
    tops = (entry for entry in ROOT.iterdir() if not (entry.name in _LARGE and ignored.match_file(f"{entry.name}/")))
    files = (file for top in tops for file in ([top] if top.is_file() else top.rglob("*")) if file.is_file())
    paths = (file.relative_to(ROOT).as_posix() for file in files)
    return {path for path in paths if not ignored.match_file(path)}
