"""What stands at a name of a recorded case, as far as its type says: tracers append the type to the name.

This is vocabulary of types, as it comes with the data; the ranker never sees it, only the kinds.
"""

import re

from shared.models.evidence import NodeKind

_TYPES: tuple[tuple[NodeKind, re.Pattern[str]], ...] = (
    (NodeKind.CLIENT_VIEW, re.compile(r"_(?:remote|client)$", re.IGNORECASE)),
    (NodeKind.DATABASE, re.compile(r"(?:Database::\w+|DynamoDB::Table|RDS::\w+|ElastiCache::\w+)$", re.IGNORECASE)),
    (NodeKind.QUEUE, re.compile(r"(?:::Queue|SNS::Topic|Kafka::\w+)$", re.IGNORECASE)),
    (NodeKind.SERVICE, re.compile(r"::(?:ECS::\w+|Lambda::Function|EKS::\w+|EC2::\w+)$", re.IGNORECASE)),
)


def kind_of(name: str) -> NodeKind | None:
    """None where the name carries no type."""
    return next((kind for kind, pattern in _TYPES if pattern.search(name)), None)
