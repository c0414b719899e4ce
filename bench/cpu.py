"""CPU time of processes, from the kernel's own books."""

import os
from collections.abc import Mapping
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and its ended children; 0 where the kernel keeps no /proc."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0.0
    # The name may hold spaces and brackets; what follows the last bracket are numbers.
    fields = text.rpartition(")")[2].split()
    return sum(int(field) for field in fields[11:15]) / _TICKS


def own_cpu_seconds() -> float:
    """The same for this process."""
    times = os.times()
    return times.user + times.system


def spent(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """What each process used between two looks."""
    return {name: after[name] - seconds for name, seconds in before.items()}
