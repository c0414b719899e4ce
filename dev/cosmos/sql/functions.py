"""The built-in functions in common use. An argument of the wrong type gives `undefined`, as in Cosmos DB."""

import json
import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dev.cosmos.sql.operators import number
from dev.cosmos.sql.values import UNDEFINED, equal, is_number

_MAX_REPLICATED = 10_000


@dataclass(frozen=True)
class Function:
    """A built-in function and how many arguments it takes."""

    call: Callable[..., Any]
    least: int
    most: int


def _typed(call: Callable[..., Any], *types: type, optional: int = 0) -> Function:
    """A function that is undefined unless each argument is of its type; `float` stands for any number."""

    def checked(*arguments: Any) -> Any:
        for value, wanted in zip(arguments, types, strict=False):
            if not (is_number(value) if wanted is float else type(value) is wanted):
                return UNDEFINED
        return call(*arguments)

    return Function(checked, len(types) - optional, len(types))


def _tested(test: Callable[[Any], bool]) -> Function:
    return Function(test, 1, 1)


def _text_test(test: Callable[[str, str], bool]) -> Function:
    def call(text: str, part: str, ignore_case: bool = False) -> bool:
        return test(text.lower(), part.lower()) if ignore_case else test(text, part)

    return _typed(call, str, str, bool, optional=1)


def _array_contains(array: Any, wanted: Any, partial: Any = False) -> Any:
    if not isinstance(array, list) or wanted is UNDEFINED:
        return UNDEFINED
    return any(_includes(item, wanted) if partial is True else equal(item, wanted) for item in array)


def _includes(item: Any, part: Any) -> bool:
    """Whether an object has at least the members of another."""
    if isinstance(item, dict) and isinstance(part, dict):
        return all(name in item and _includes(item[name], value) for name, value in part.items())
    return equal(item, part)


def _substring(text: str, start: float, length: float) -> str:
    begin = max(int(start), 0)
    return text[begin : begin + max(int(length), 0)]


def _array_slice(array: list[Any], start: float, length: float | None = None) -> list[Any]:
    begin = int(start) if start >= 0 else max(len(array) + int(start), 0)
    return array[begin:] if length is None else array[begin : begin + max(int(length), 0)]


def _round(value: float) -> Any:
    return number(math.copysign(math.floor(abs(value) + 0.5), value))


def _to_string(value: Any) -> Any:
    if value is UNDEFINED or isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _string_to_number(text: str) -> Any:
    try:
        value = json.loads(text.strip())
    except ValueError:
        return UNDEFINED
    return value if is_number(value) and math.isfinite(value) else UNDEFINED


def _concat(*parts: Any) -> Any:
    return "".join(parts) if all(isinstance(part, str) for part in parts) else UNDEFINED


def _array_concat(*arrays: Any) -> Any:
    if not all(isinstance(array, list) for array in arrays):
        return UNDEFINED
    return [item for array in arrays for item in array]


def _regex_match(text: str, pattern: str, modifiers: str = "") -> Any:
    flags = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL, "x": re.VERBOSE}
    combined = 0
    for modifier in modifiers:
        combined |= flags.get(modifier, 0)
    try:
        return re.search(pattern, text, combined) is not None
    except re.error:
        return UNDEFINED


def _power(base: float, exponent: float) -> Any:
    try:
        return number(math.pow(base, exponent))
    except (OverflowError, ValueError):
        return UNDEFINED


def _is_whole(value: Any) -> bool:
    return is_number(value) and number(value) == int(value)


def _now_text() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "0Z")


_TYPE_TESTS = {
    "IS_DEFINED": _tested(lambda value: value is not UNDEFINED),
    "IS_NULL": _tested(lambda value: value is None),
    "IS_BOOL": _tested(lambda value: isinstance(value, bool)),
    "IS_NUMBER": _tested(is_number),
    "IS_INTEGER": _tested(_is_whole),
    "IS_STRING": _tested(lambda value: isinstance(value, str)),
    "IS_ARRAY": _tested(lambda value: isinstance(value, list)),
    "IS_OBJECT": _tested(lambda value: isinstance(value, dict)),
    "IS_PRIMITIVE": _tested(lambda value: value is None or isinstance(value, str | bool | int | float)),
}

_TEXT = {
    "CONTAINS": _text_test(lambda text, part: part in text),
    "STARTSWITH": _text_test(str.startswith),
    "ENDSWITH": _text_test(str.endswith),
    "STRINGEQUALS": _text_test(str.__eq__),
    "LOWER": _typed(str.lower, str),
    "UPPER": _typed(str.upper, str),
    "LENGTH": _typed(len, str),
    "TRIM": _typed(str.strip, str),
    "LTRIM": _typed(str.lstrip, str),
    "RTRIM": _typed(str.rstrip, str),
    "REVERSE": _typed(lambda text: text[::-1], str),
    "LEFT": _typed(lambda text, length: text[: max(int(length), 0)], str, float),
    "RIGHT": _typed(lambda text, length: text[max(len(text) - int(length), 0) :], str, float),
    "SUBSTRING": _typed(_substring, str, float, float),
    "INDEX_OF": _typed(lambda text, part, start=0: text.find(part, int(start)), str, str, float, optional=1),
    "REPLACE": _typed(str.replace, str, str, str),
    "REPLICATE": _typed(
        lambda text, times: text * int(times) if 0 <= times <= _MAX_REPLICATED else UNDEFINED, str, float
    ),
    "REGEXMATCH": _typed(_regex_match, str, str, str, optional=1),
    "CONCAT": Function(_concat, 2, 200),
    "TOSTRING": Function(_to_string, 1, 1),
    "STRINGTONUMBER": _typed(_string_to_number, str),
}

_NUMBERS = {
    "ABS": _typed(abs, float),
    "CEILING": _typed(math.ceil, float),
    "FLOOR": _typed(math.floor, float),
    "ROUND": _typed(_round, float),
    "TRUNC": _typed(math.trunc, float),
    "SIGN": _typed(lambda value: (value > 0) - (value < 0), float),
    "SQRT": _typed(lambda value: number(math.sqrt(value)) if value >= 0 else UNDEFINED, float),
    "SQUARE": _typed(lambda value: number(value * value), float),
    "POWER": _typed(_power, float, float),
}

_ARRAYS = {
    "ARRAY_CONTAINS": Function(_array_contains, 2, 3),
    "ARRAY_LENGTH": _typed(len, list),
    "ARRAY_SLICE": _typed(_array_slice, list, float, float, optional=1),
    "ARRAY_CONCAT": Function(_array_concat, 2, 200),
}

FUNCTIONS: dict[str, Function] = {
    **_TYPE_TESTS,
    **_TEXT,
    **_NUMBERS,
    **_ARRAYS,
    "IIF": Function(lambda condition, yes, no: yes if condition is True else no, 3, 3),
    "GETCURRENTTIMESTAMP": Function(lambda: int(time.time() * 1000), 0, 0),
    "GETCURRENTDATETIME": Function(_now_text, 0, 0),
}
