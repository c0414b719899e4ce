"""ASP.NET route templates: which function answers a method and path, and with which route values."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from dev.host.errors import HostRefused

_PARAMETER = re.compile(
    r"\{(?P<catch_all>\*{0,2})(?P<name>\w+)(?P<constraints>(?::[^{}=?]+?)*)(?:=(?P<default>[^{}?]*))?(?P<optional>\?)?\}"
)
_CONSTRAINT = re.compile(r"(?P<kind>[a-z]+)(?:\((?P<argument>.*)\))?", re.IGNORECASE)
_NUMBER_LIMITS = {"int": 2**31, "long": 2**63}
_PATTERNS = {
    "alpha": r"[A-Za-z]*",
    "bool": r"(?i:true|false)",
    "guid": r"\{?[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}\}?",
    "decimal": r"-?\d+(?:\.\d+)?",
    "double": r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?",
    "float": r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?",
}


@dataclass(frozen=True)
class Constraint:
    """One `:kind(argument)` of a parameter."""

    kind: str
    low: int = 0
    high: int = 0
    pattern: re.Pattern[str] | None = None

    def allows(self, text: str) -> bool:
        """Whether a route value satisfies this constraint."""
        match self.kind:
            case "int" | "long" | "range":
                return _is_integer(text) and self.low <= int(text) <= self.high
            case "length":
                return self.low <= len(text) <= self.high
            case _:
                return self.pattern is not None and self.pattern.fullmatch(text) is not None


@dataclass(frozen=True)
class Route:
    """A compiled template of one function; `methods` empty means every verb."""

    function: str
    template: str
    methods: frozenset[str]
    pattern: re.Pattern[str]
    precedence: tuple[int, ...]
    constraints: Mapping[str, tuple[Constraint, ...]]
    defaults: Mapping[str, str]

    def values(self, path: str) -> dict[str, str] | None:
        """The route values of a decoded path, or None when it does not fit."""
        match = self.pattern.fullmatch(path)
        if match is None:
            return None
        found = {name: text for name, text in match.groupdict().items() if text}
        for name, constraints in self.constraints.items():
            if name in found and not all(constraint.allows(found[name]) for constraint in constraints):
                return None
        return {**self.defaults, **found}


@dataclass(frozen=True)
class RouteTable:
    """Every route of an app, most specific first."""

    routes: tuple[Route, ...]

    def find(self, method: str, raw_path: str) -> tuple[Route, dict[str, str]] | None:
        """The function for a request, or None: also for a verb that no function of that path registers."""
        path = "/".join(_segment(part) for part in raw_path.split("/")).strip("/")
        for route in self.routes:
            if route.methods and method not in route.methods:
                continue
            values = route.values(path)
            if values is not None:
                return route, values
        return None


def build_table(routes: Iterable[Route]) -> RouteTable:
    """Order routes as ASP.NET does: literals before parameters before catch-alls, segment by segment."""
    return RouteTable(tuple(sorted(routes, key=lambda route: route.precedence)))


def compile_route(*, function: str, prefix: str, template: str, methods: frozenset[str]) -> Route:
    """Compile `prefix`/`template`; raises HostRefused for a template the host would not accept."""
    whole = "/".join(part for part in (prefix.strip("/"), template.strip("/")) if part)
    pattern, precedence = "", []
    constraints: dict[str, tuple[Constraint, ...]] = {}
    defaults: dict[str, str] = {}
    for position, segment in enumerate(_split(whole)):
        parameters = list(_PARAMETER.finditer(segment))
        pattern += _segment_pattern(segment, parameters, first=position == 0)
        precedence.append(_rank(segment, parameters))
        for parameter in parameters:
            name = parameter["name"]
            constraints[name] = tuple(_constraints(function, parameter["constraints"]))
            if parameter["default"]:
                defaults[name] = parameter["default"]
    _refuse_malformed(function, whole, pattern)
    compiled = re.compile(pattern, re.IGNORECASE)
    return Route(function, whole, methods, compiled, tuple(precedence), constraints, defaults)


def _split(template: str) -> list[str]:
    # A slash inside braces belongs to a regular expression, not to the path.
    return re.findall(r"(?:\{[^{}]*\}|[^/{])+", template) if template else []


def _segment(raw: str) -> str:
    # Kestrel decodes a path but for %2F, which would otherwise add a segment.
    return unquote(re.sub("%(2f)", r"%25\1", raw, flags=re.IGNORECASE)) if "%" in raw else raw


def _segment_pattern(segment: str, parameters: list[re.Match[str]], *, first: bool) -> str:
    slash = "" if first else "/"
    if len(parameters) == 1 and parameters[0][0] == segment:
        parameter = parameters[0]
        if parameter["catch_all"]:
            return f"(?:{slash}(?P<{parameter['name']}>.*))?"
        optional = "?" if parameter["optional"] or parameter["default"] is not None else ""
        return f"(?:{slash}(?P<{parameter['name']}>[^/]+)){optional}"
    pattern, end = slash, 0
    for parameter in parameters:
        pattern += re.escape(segment[end : parameter.start()]) + f"(?P<{parameter['name']}>[^/]+)"
        end = parameter.end()
    return pattern + re.escape(segment[end:])


def _rank(segment: str, parameters: list[re.Match[str]]) -> int:
    if not parameters:
        return 1
    whole = parameters[0][0] == segment
    if not whole:
        return 2
    if parameters[0]["catch_all"]:
        return 4 if parameters[0]["constraints"] else 5
    return 2 if parameters[0]["constraints"] else 3


def _constraints(function: str, declared: str) -> Iterable[Constraint]:
    for text in re.findall(r":((?:[^:()]|\([^()]*\))+)", declared):
        match = _CONSTRAINT.fullmatch(text)
        constraint = _read_constraint(match["kind"].lower(), match["argument"]) if match else None
        if constraint is None:
            raise HostRefused(f"function {function} has an unknown route constraint {text!r}")
        yield constraint


def _read_constraint(kind: str, argument: str | None) -> Constraint | None:
    if kind in _NUMBER_LIMITS:
        return Constraint(kind, -_NUMBER_LIMITS[kind], _NUMBER_LIMITS[kind] - 1)
    if kind in _PATTERNS:
        return Constraint(kind, pattern=re.compile(_PATTERNS[kind]))
    if kind == "regex" and argument:
        return Constraint(kind, pattern=re.compile(f".*(?:{argument}).*", re.IGNORECASE | re.DOTALL))
    texts = [text.strip() for text in (argument or "").split(",")]
    bounds = _bounds(kind, [int(text) for text in texts if _is_integer(text)])
    return Constraint("length" if "length" in kind else "range", *bounds) if bounds else None


def _bounds(kind: str, numbers: list[int]) -> tuple[int, int] | None:
    widest = _NUMBER_LIMITS["long"]
    match kind, numbers:
        case (("min" | "minlength"), [low]):
            return low, widest
        case (("max" | "maxlength"), [high]):
            return -widest, high
        case "length", [exact]:
            return exact, exact
        case (("length" | "range"), [low, high]):
            return low, high
    return None


def _is_integer(text: str) -> bool:
    return re.fullmatch(r"-?\d+", text, re.ASCII) is not None


def _refuse_malformed(function: str, template: str, pattern: str) -> None:
    leftovers = _PARAMETER.sub("", template)
    if "{" in leftovers or "}" in leftovers:
        raise HostRefused(f"the route {template!r} of function {function} is not a valid template")
    try:
        re.compile(pattern)
    except re.error as exc:
        raise HostRefused(f"the route {template!r} of function {function} names a parameter twice") from exc
