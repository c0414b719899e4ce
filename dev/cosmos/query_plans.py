"""Query plans: how the SDK is told to put the answers of several ranges together.

The rewritten query is the original behind a marker; asked with the marker, a range answers in the wrapped form.
"""

from typing import Any

from dev.cosmos.errors import bad_request
from dev.cosmos.sql.select import Answer, CompiledQuery
from dev.cosmos.sql.tree import Call, Query
from dev.cosmos.sql.values import UNDEFINED

MARKER = "--wrapped for the client's merge\n"
_AGGREGATE_NAMES = {"COUNT": "Count", "SUM": "Sum", "MIN": "Min", "MAX": "Max", "AVG": "Average"}


def plan_of(compiled: CompiledQuery, text: str) -> dict[str, Any]:
    """The plan for the whole container; 400 for what the Python SDK cannot merge."""
    query = compiled.query
    if query.group_by:
        raise bad_request(
            "Query contains the following features, which the calling client does not support: GroupBy."
            " Scope the query to one partition key."
        )
    if query.aggregates and not is_mergeable_aggregate(query):
        raise bad_request("Cross partition query only supports 'VALUE <AggregateFunc>' for aggregates")
    offset, limit = compiled.window()
    windowed = query.limit is not None
    return {
        "partitionedQueryExecutionInfoVersion": 2,
        "queryInfo": {
            "distinctType": _distinct_type(query),
            "top": limit if query.top is not None else None,
            "offset": offset if windowed else None,
            "limit": limit if windowed else None,
            "orderBy": ["Descending" if item.descending else "Ascending" for item in query.order_by],
            "orderByExpressions": [],
            "groupByExpressions": [],
            "aggregates": [_AGGREGATE_NAMES[call.name] for call in query.aggregates],
            "hasSelectValue": query.value is not None,
            "rewrittenQuery": MARKER + text,
        },
        "queryRanges": [{"min": "", "max": "FF", "isMinInclusive": True, "isMaxInclusive": False}],
    }


def is_mergeable_aggregate(query: Query) -> bool:
    """Whether it is SELECT VALUE of one aggregate and nothing around it."""
    return isinstance(query.value, Call) and len(query.aggregates) == 1 and query.value is query.aggregates[0]


def _distinct_type(query: Query) -> str:
    if not query.distinct:
        return "None"
    return "Ordered" if query.order_by else "Unordered"


def wrapped(answer: Answer, query: Query) -> Any:
    """One row in the form that the SDK merges."""
    if query.aggregates:
        return [{} if answer.payload is UNDEFINED else {"item": answer.payload}]
    if not query.order_by:
        return answer.payload
    items = [{} if value is UNDEFINED else {"item": value} for value in answer.sort_values]
    return {"_rid": "-".join(map(str, answer.position)), "orderByItems": items, "payload": answer.payload}
