"""Indexes and invokes a function app under Microsoft's own Python worker library, in its own process. Never ships.

The library (azure-functions-runtime) takes the classes of the host's gRPC messages from its caller. They are stood in
for here by dataclasses with the same fields, so there is no gRPC and no host: no listeners, keys, routing or retries.
It is what Azure runs for Python 3.13 and later; on 3.10 to 3.12 Azure runs the older build of the same worker.
Cookies and collections of bytes are not stood in for: what runs in the worker here sends none.
"""
