"""The meaning of the query language, checked against the rules of Microsoft's offline engine."""

from typing import Any

import pytest

from dev.cosmos.errors import Refusal
from dev.cosmos.sql.evaluate import ROOT
from dev.cosmos.sql.parser import parse_query
from dev.cosmos.sql.select import CompiledQuery

DOCUMENT = {
    "id": "1",
    "n": 5,
    "f": 2.5,
    "s": "text",
    "yes": True,
    "no": False,
    "null": None,
    "list": [1, "two", {"k": 3}],
    "o": {"k": 1, "deep": {"x": "y"}},
    "order": 7,
}
UNDEFINED = "undefined"


def answered(text: str, *documents: dict[str, Any], **parameters: Any) -> list[Any]:
    query = CompiledQuery(parse_query(text), {f"@{name}": value for name, value in parameters.items()})
    rows = [(number, {ROOT: document}) for number, document in enumerate(documents)]
    return [answer.payload for answer in query.answers(rows)]


def value_of(expression: str, **parameters: Any) -> Any:
    found = answered(f"SELECT VALUE {expression} FROM c", DOCUMENT, **parameters)
    return found[0] if found else UNDEFINED


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        # = and != across types give false and true; with undefined they give undefined
        ("c.n = 5", True),
        ("c.n = '5'", False),
        ("c.n != '5'", True),
        ("c.yes = 1", False),
        ("c.null = null", True),
        ("c.null = false", False),
        ("c.missing = 5", UNDEFINED),
        ("c.missing != 5", UNDEFINED),
        ("c.missing = undefined", UNDEFINED),
        ("c.n = 5.0", True),
        ("c.list = [1, 'two', {'k': 3}]", True),
        ("c.o = {deep: {x: 'y'}, k: 1}", True),
        ("c.list = [1]", False),
        # < and > across types give undefined
        ("c.n < 6", True),
        ("c.n < '6'", UNDEFINED),
        ("c.s > 'tex'", True),
        ("c.null < 1", UNDEFINED),
        ("c.no < c.yes", True),
        ("c.null <= null", True),
        ("c.list < [2]", UNDEFINED),
        ("c.missing < 1", UNDEFINED),
        # three-valued logic
        ("c.missing = 1 AND false", False),
        ("c.missing = 1 AND true", UNDEFINED),
        ("c.missing = 1 OR true", True),
        ("c.missing = 1 OR false", UNDEFINED),
        ("NOT (c.missing = 1)", UNDEFINED),
        ("NOT c.yes", False),
        ("NOT c.n", UNDEFINED),
        ("c.n AND true", UNDEFINED),
        ("1 OR true", True),
        # ?? and the ternary
        ("c.missing ?? 'd'", "d"),
        ("c.null ?? 'd'", None),
        ("c.yes ? 'a' : 'b'", "a"),
        ("c.n ? 'a' : 'b'", "b"),
        ("c.missing ? 'a' : 'b'", "b"),
        ("false ? 1 : true ? 2 : 3", 2),
        # membership
        ("c.n IN (1, 5)", True),
        ("c.n NOT IN (1, 5)", False),
        ("c.n IN ('5')", False),
        ("c.missing IN (1)", UNDEFINED),
        ("c.n BETWEEN 5 AND 6", True),
        ("c.n NOT BETWEEN 5 AND 6", False),
        ("c.n BETWEEN 'a' AND 'z'", UNDEFINED),
        # LIKE
        ("c.s LIKE 't%'", True),
        ("c.s LIKE 'T%'", False),
        ("c.s LIKE '_ext'", True),
        ("c.s LIKE 't[a-f]xt'", True),
        ("c.s LIKE 't[^a-f]xt'", False),
        ("'10%' LIKE '10!%' ESCAPE '!'", True),
        ("'10x' LIKE '10!%' ESCAPE '!'", False),
        ("c.s NOT LIKE '%x%'", False),
        ("c.n LIKE '5'", UNDEFINED),
        # arithmetic
        ("c.n + 1 * 2", 7),
        ("(c.n + 1) * 2", 12),
        ("c.n / 2", 2.5),
        ("10 / 5", 2),
        ("1 / 0", UNDEFINED),
        ("-7 % 3", -1),
        ("-c.n", -5),
        ("c.n + '1'", UNDEFINED),
        ("c.s || '!'", "text!"),
        ("c.s || 1", UNDEFINED),
        ("5 & 3", 1),
        # paths
        ("c.o.deep.x", "y"),
        ("c['o']['k']", 1),
        ('c["o"].k', 1),
        ("c.list[1]", "two"),
        ("c.list[9]", UNDEFINED),
        ("c.list['k']", UNDEFINED),
        ("c.s.length", UNDEFINED),
        ("c.order", 7),
        # undefined members are dropped from objects and arrays
        ("{a: c.n, b: c.missing}", {"a": 5}),
        ("[c.n, c.missing, null]", [5, None]),
        # literals
        (r"'it\'s \u0041\n'", "it's A\n"),
        ("1.5e2", 150.0),
        (".5", 0.5),
    ],
)
def test_expressions(expression: str, expected: Any) -> None:
    value = value_of(expression)
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("IS_DEFINED(c.missing)", False),
        ("IS_DEFINED(c.null)", True),
        ("IS_NULL(c.null)", True),
        ("IS_NULL(c.missing)", False),
        ("IS_BOOL(c.yes)", True),
        ("IS_NUMBER(c.yes)", False),
        ("IS_NUMBER(c.f)", True),
        ("IS_INTEGER(c.f)", False),
        ("IS_STRING(c.s)", True),
        ("IS_ARRAY(c.list)", True),
        ("IS_OBJECT(c.o)", True),
        ("IS_OBJECT(c.null)", False),
        ("IS_PRIMITIVE(c.null)", True),
        ("is_primitive(c.o)", False),
        ("CONTAINS(c.s, 'EX')", False),
        ("CONTAINS(c.s, 'EX', true)", True),
        ("STARTSWITH(c.s, 'te')", True),
        ("ENDSWITH(c.s, 'xt')", True),
        ("StringEquals(c.s, 'TEXT', true)", True),
        ("STARTSWITH(c.n, 'te')", UNDEFINED),
        ("LOWER('ÄB')", "äb"),
        ("UPPER(c.s)", "TEXT"),
        ("UPPER(c.n)", UNDEFINED),
        ("LENGTH(c.s)", 4),
        ("SUBSTRING(c.s, 1, 2)", "ex"),
        ("INDEX_OF(c.s, 'x')", 2),
        ("REPLACE(c.s, 't', 'T')", "TexT"),
        ("LEFT(c.s, 2)", "te"),
        ("RIGHT(c.s, 2)", "xt"),
        ("TRIM('  a ')", "a"),
        ("CONCAT(c.s, '-', 'x')", "text-x"),
        ("CONCAT(c.s, 1)", UNDEFINED),
        ("TOSTRING(c.n)", "5"),
        ("TOSTRING(c.yes)", "true"),
        ("TOSTRING(c.o)", '{"k":1,"deep":{"x":"y"}}'),
        ("TOSTRING(c.missing)", UNDEFINED),
        ("StringToNumber('1.5')", 1.5),
        ("RegexMatch(c.s, '^T', 'i')", True),
        ("ARRAY_CONTAINS(c.list, 'two')", True),
        ("ARRAY_CONTAINS(c.list, '1')", False),
        ("ARRAY_CONTAINS(c.s, 't')", UNDEFINED),
        ("ARRAY_CONTAINS([{a: 1, b: 2}], {a: 1})", False),
        ("ARRAY_CONTAINS([{a: 1, b: 2}], {a: 1}, true)", True),
        ("ARRAY_LENGTH(c.list)", 3),
        ("ARRAY_LENGTH(c.o)", UNDEFINED),
        ("ARRAY_SLICE(c.list, 1, 1)", ["two"]),
        ("ARRAY_CONCAT([1], [2, 3])", [1, 2, 3]),
        ("ABS(-2)", 2),
        ("ABS('2')", UNDEFINED),
        ("ROUND(2.5)", 3),
        ("ROUND(-2.5)", -3),
        ("FLOOR(-2.5)", -3),
        ("CEILING(2.1)", 3),
        ("POWER(2, 10)", 1024),
        ("SQRT(-1)", UNDEFINED),
        ("IIF(c.yes, 1, 2)", 1),
    ],
)
def test_functions(expression: str, expected: Any) -> None:
    value = value_of(expression)
    assert value == expected
    assert type(value) is type(expected)


ALERTS = [
    {"id": "1", "severity": "critical", "n": 3, "tags": ["db", "eu"], "teams": [{"name": "a"}, {"name": "b"}]},
    {"id": "2", "severity": "info", "n": 1, "tags": []},
    {"id": "3", "severity": "critical", "n": None, "tags": ["db"]},
    {"id": "4", "n": 2},
]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT VALUE c.id FROM c WHERE c.n > 1", ["1", "4"]),
        ("SELECT VALUE c.id FROM c WHERE c.severity != 'info'", ["1", "3"]),
        ("SELECT VALUE c.id FROM c WHERE NOT (c.severity = 'info')", ["1", "3"]),
        ("select value x.id from x where x.n = 1", ["2"]),
        ("SELECT VALUE r.id FROM root r WHERE r.id = '1' -- a comment", ["1"]),
        ("SELECT c.id, c.n FROM c WHERE c.id IN ('3', '4')", [{"id": "3", "n": None}, {"id": "4", "n": 2}]),
        ("SELECT c.severity FROM c WHERE c.id = '4'", [{}]),
        ("SELECT VALUE c.severity FROM c", ["critical", "info", "critical"]),
        ("SELECT c.id AS name, 1 one, c.n + 1 FROM c WHERE c.id = '1'", [{"name": "1", "one": 1, "$3": 4}]),
        # undefined < null < boolean < number < string < array < object
        ("SELECT VALUE c.id FROM c ORDER BY c.n", ["3", "2", "4", "1"]),
        ("SELECT VALUE c.id FROM c ORDER BY c.severity DESC, c.n ASC", ["2", "3", "1", "4"]),
        ("SELECT DISTINCT VALUE c.severity FROM c", ["critical", "info"]),
        ("SELECT VALUE COUNT(1) FROM c", [4]),
        ("SELECT VALUE COUNT(c.severity) FROM c", [3]),
        ("SELECT COUNT(1) AS n, MAX(c.id) AS last FROM c WHERE c.n > 0", [{"n": 3, "last": "4"}]),
        ("SELECT VALUE SUM(c.n) FROM c WHERE c.n > 0", [6]),
        ("SELECT VALUE SUM(c.n) FROM c", []),
        ("SELECT VALUE AVG(c.n) FROM c WHERE c.n > 0", [2]),
        ("SELECT VALUE MIN(c.n) FROM c", [None]),
        ("SELECT VALUE MAX(c.n) FROM c WHERE c.id = 'none'", []),
        ("SELECT VALUE COUNT(1) FROM c WHERE false", [0]),
        (
            "SELECT c.severity, COUNT(1) AS n FROM c GROUP BY c.severity",
            [{"severity": "critical", "n": 2}, {"severity": "info", "n": 1}, {"n": 1}],
        ),
        ("SELECT VALUE t FROM c JOIN t IN c.tags", ["db", "eu", "db"]),
        ("SELECT VALUE t FROM t IN c.tags WHERE t = 'db'", ["db", "db"]),
        ("SELECT c.id, t.name FROM c JOIN t IN c.teams", [{"id": "1", "name": "a"}, {"id": "1", "name": "b"}]),
        ("SELECT VALUE t.name FROM c.teams AS ts JOIN t IN ts", ["a", "b"]),
        (
            "SELECT VALUE {i: c.id, t: t} FROM c JOIN (SELECT VALUE t FROM t IN c.tags WHERE t != 'db') AS t",
            [{"i": "1", "t": "eu"}],
        ),
        ("SELECT VALUE c.id FROM c WHERE EXISTS(SELECT VALUE t FROM t IN c.teams WHERE t.name = 'b')", ["1"]),
        ("SELECT VALUE ARRAY(SELECT VALUE t.name FROM t IN c.teams) FROM c WHERE c.id = '1'", [["a", "b"]]),
        ("SELECT VALUE (SELECT VALUE COUNT(1) FROM t IN c.tags) FROM c", [2, 0, 1, 0]),
        ("SELECT VALUE 1", [1]),
    ],
)
def test_queries(query: str, expected: list[Any]) -> None:
    assert answered(query, *ALERTS) == expected


def test_parameters_are_values_and_never_text() -> None:
    query = "SELECT VALUE c.id FROM c WHERE c.severity = @severity"
    assert answered(query, *ALERTS, severity="info") == ["2"]
    assert answered(query, *ALERTS, severity="info' OR true --") == []


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("SELECT", "Syntax error"),
        ("SELECT * FROM c WHERE", "Syntax error"),
        ("SELECT * FROM c WHERE c.a = ", "Syntax error"),
        ("SELECT * FROM c WHERE c.a ; c.b", "Syntax error"),
        ("SELECT * FROM c LIMIT 5", "Syntax error"),
        ("SELECT * FROM c ORDER BY c.a OFFSET 5", "Syntax error"),
        ("SELECT * FROM c 'x'", "Syntax error"),
        ("SELECT *", "FROM clause is omitted"),
        ("SELECT * FROM c JOIN t IN c.tags", "single input set"),
        ("SELECT VALUE d.id FROM c", "'d' could not be resolved"),
        ("SELECT VALUE NOSUCH(c.id) FROM c", "not a recognized built-in function"),
        ("SELECT VALUE LOWER(c.id, 1, 2) FROM c", "does not take 3 arguments"),
        ("SELECT VALUE @p FROM c", "'@p', which was not given"),
        ("SELECT * FROM c WHERE COUNT(1) > 1", "SELECT clause only"),
        ("SELECT c.id, COUNT(1) AS n FROM c", "GROUP BY"),
        ("SELECT c.id FROM c GROUP BY c.severity", "GROUP BY"),
        ("SELECT c.id, c.id FROM c", "same name"),
        ("SELECT TOP 'x' * FROM c", "whole number"),
        ("SELECT TOP -1 * FROM c", "Syntax error"),
        ("SELECT * FROM c OFFSET 0 LIMIT 1.5", "whole number"),
        (f"SELECT VALUE {'(' * 60}1{')' * 60} FROM c", "nested too deeply"),
    ],
)
def test_what_is_no_query_is_refused_with_a_reason(query: str, why: str) -> None:
    with pytest.raises(Refusal) as raised:
        CompiledQuery(parse_query(query), {}).window()
    assert raised.value.status == 400
    assert why in raised.value.message
