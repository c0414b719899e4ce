"""The table in its order: a service is measured by the first row that carries it.

What a service says of itself goes before what its proxy saw, and that before what its callers saw.
"""

from shared.context.conventions.http import HTTP_ROWS
from shared.context.conventions.mesh import MESH_CLIENT_ROWS, MESH_ROWS
from shared.context.conventions.rows import Binding
from shared.context.conventions.rpc import RPC_ROWS
from shared.context.conventions.spans import CLIENT_SIDE_ROWS, CONSUMER_ROWS, SPAN_ROWS

CONVENTIONS = HTTP_ROWS + RPC_ROWS + SPAN_ROWS + MESH_ROWS + CONSUMER_ROWS + CLIENT_SIDE_ROWS + MESH_CLIENT_ROWS
BINDINGS = tuple(Binding(row, label) for row in CONVENTIONS for label in row.service_labels)
