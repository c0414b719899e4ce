"""Indexing policies: how Cosmos DB completes them, and which ORDER BY they can serve."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from dev.cosmos.errors import Refusal, bad_request
from dev.cosmos.paths import segments_of

_ETAG_PATH = '/"_etag"/?'
Sorting = Sequence[tuple[tuple[str, ...], bool]]
"""The paths of an ORDER BY, each with whether it is descending."""

_MODES = {"consistent", "none", "lazy"}
_ORDERS = {"ascending", "descending"}
_ALWAYS_INDEXED = {("id",), ("_ts",)}


def complete_policy(policy: Any) -> dict[str, Any]:
    """The policy as Cosmos DB stores it; 400 when it is not one."""
    given = copy.deepcopy(policy) if policy is not None else {}
    if not isinstance(given, dict):
        raise bad_request("The indexing policy must be an object.")
    mode = str(given.get("indexingMode", "consistent")).lower()
    if mode not in _MODES:
        raise bad_request(f"The indexing mode '{mode}' is not valid.")
    stored: dict[str, Any] = {"indexingMode": mode, "automatic": mode != "none"}
    if mode == "none":
        return {**stored, "includedPaths": [], "excludedPaths": []}
    excluded = [{"path": _path(entry)} for entry in given.get("excludedPaths") or []]
    # Without any included path the root is included, unless it is excluded.
    root = [] if {"path": "/*"} in excluded else [{"path": "/*"}]
    stored["includedPaths"] = [{"path": _path(entry)} for entry in given.get("includedPaths") or root]
    if {"path": _ETAG_PATH} not in excluded:
        excluded.append({"path": _ETAG_PATH})
    stored["excludedPaths"] = excluded
    _refuse_policy_without_root(stored)
    if composites := given.get("compositeIndexes"):
        stored["compositeIndexes"] = [_composite(composite) for composite in composites]
    return stored


def _path(entry: Any) -> str:
    path = entry.get("path") if isinstance(entry, dict) else None
    if not isinstance(path, str) or not path.endswith(("/*", "/?")):
        raise bad_request(f"The indexing path '{path}' could not be accepted; it must end with '/*' or '/?'.")
    segments_of(path)
    return path


def _composite(composite: Any) -> list[dict[str, str]]:
    if not isinstance(composite, list) or len(composite) < 2:
        raise bad_request("A composite index has at least two paths.")
    return [_composite_entry(entry) for entry in composite]


def _composite_entry(entry: Any) -> dict[str, str]:
    path = entry.get("path") if isinstance(entry, dict) else None
    order = str(entry.get("order", "ascending")).lower() if isinstance(entry, dict) else ""
    if not isinstance(path, str) or not segments_of(path) or order not in _ORDERS:
        raise bad_request("A path of a composite index has a 'path' and an 'order', ascending or descending.")
    return {"path": path, "order": order}


def _refuse_policy_without_root(policy: Mapping[str, Any]) -> None:
    paths = [entry["path"] for entry in (*policy["includedPaths"], *policy["excludedPaths"])]
    if "/*" not in paths:
        raise bad_request("The special mandatory indexing path '/' is not provided in any of the path type sets.")
    if duplicates := {path for path in paths if paths.count(path) > 1}:
        raise bad_request(f"The indexing path '{min(duplicates)}' is given more than once.")


def refuse_unserved_order(policy: Mapping[str, Any], sorting: Sorting) -> Refusal | None:
    """The 400 for an ORDER BY that no index can serve."""
    if len(sorting) > 1:
        if any(_serves(composite, sorting) for composite in policy.get("compositeIndexes", [])):
            return None
        return bad_request(
            "The order by query does not have a corresponding composite index that it can be served from."
        )
    if all(is_indexed(policy, path) for path, _ in sorting):
        return None
    return bad_request("The index path corresponding to the specified order-by item is excluded.")


def _serves(composite: Sequence[Mapping[str, str]], sorting: Sorting) -> bool:
    """Whether paths match in order, and directions match all or are all the opposite."""
    if [segments_of(entry["path"]) for entry in composite] != [path for path, _ in sorting]:
        return False
    same = {(entry["order"] == "descending") == down for entry, (_, down) in zip(composite, sorting, strict=True)}
    return len(same) == 1


def is_indexed(policy: Mapping[str, Any], path: tuple[str, ...]) -> bool:
    """Whether the path's value is indexed: the most precise rule that covers it decides."""
    if policy["indexingMode"] == "none":
        return False
    if path in _ALWAYS_INDEXED:
        return True
    included = max((_precision(entry["path"], path) for entry in policy["includedPaths"]), default=-1)
    excluded = max((_precision(entry["path"], path) for entry in policy["excludedPaths"]), default=-1)
    return included > excluded


def _precision(rule: str, path: tuple[str, ...]) -> int:
    """How precisely a rule covers a path; -1 when it does not."""
    *names, end = segments_of(rule)
    if end == "?":
        return 2 * len(names) + 1 if tuple(names) == path else -1
    return 2 * len(names) if path[: len(names)] == tuple(names) else -1
