"""Whose turn it is: writers of one process that meet on one incident wait instead of burning each other's writes."""

import asyncio
from weakref import WeakValueDictionary

_locks: WeakValueDictionary[tuple[int, str, str], asyncio.Lock] = WeakValueDictionary()


def turn(tenant_id: str, subject: str) -> asyncio.Lock:
    """The lock of an incident (or another subject) in this process. Etags still decide between processes."""
    key = (id(asyncio.get_running_loop()), tenant_id, subject)
    lock = _locks.get(key)
    if lock is None:
        lock = _locks[key] = asyncio.Lock()
    return lock
