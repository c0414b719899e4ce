"""What runs full on machines, by node_exporter."""

from shared.context.conventions.rows import Carrier, Resource

_DISKS = '$of,fstype!~"tmpfs|overlay|squashfs|ramfs"'

NODE_ROWS = (
    Resource(
        name="node_cpu",
        carrier=Carrier.NODE,
        unit="ratio",
        meaning="Share of a machine's CPU time that was not idle.",
        present="node_cpu_seconds_total",
        expression='1 - avg by (instance) (rate(node_cpu_seconds_total{$of,mode="idle"}[$window]$back))',
    ),
    Resource(
        name="node_memory",
        carrier=Carrier.NODE,
        unit="ratio",
        meaning="Share of a machine's memory that is not available.",
        present="node_memory_MemAvailable_bytes",
        expression="1 - node_memory_MemAvailable_bytes{$of}$back / node_memory_MemTotal_bytes{$of}$back",
    ),
    Resource(
        name="node_disk",
        carrier=Carrier.NODE,
        unit="ratio",
        meaning="Share of a file system that is not available.",
        present="node_filesystem_size_bytes",
        expression=(
            f"1 - node_filesystem_avail_bytes{{{_DISKS}}}$back / (node_filesystem_size_bytes{{{_DISKS}}}$back > 0)"
        ),
    ),
    Resource(
        name="node_disk_fills",
        carrier=Carrier.NODE,
        unit="file systems",
        meaning="1 where a file system will be full within 4 hours if it goes on as in the last 6.",
        present="node_filesystem_avail_bytes",
        # Not `predict_linear`: behind an offset it would predict from now on.
        expression=(
            f"((node_filesystem_avail_bytes{{{_DISKS}}}$back"
            f" + deriv(node_filesystem_avail_bytes{{{_DISKS}}}[6h]$back) * 14400) < bool 0) > 0"
        ),
    ),
    Resource(
        name="node_cpu_pressure",
        carrier=Carrier.NODE,
        unit="ratio",
        meaning="Share of the time in which something waited for a CPU (PSI).",
        present="node_pressure_cpu_waiting_seconds_total",
        expression="rate(node_pressure_cpu_waiting_seconds_total{$of}[$window]$back)",
    ),
    Resource(
        name="node_memory_pressure",
        carrier=Carrier.NODE,
        unit="ratio",
        meaning="Share of the time in which something waited for memory (PSI).",
        present="node_pressure_memory_waiting_seconds_total",
        expression="rate(node_pressure_memory_waiting_seconds_total{$of}[$window]$back)",
    ),
    Resource(
        name="node_io_pressure",
        carrier=Carrier.NODE,
        unit="ratio",
        meaning="Share of the time in which something waited for a disk (PSI).",
        present="node_pressure_io_waiting_seconds_total",
        expression="rate(node_pressure_io_waiting_seconds_total{$of}[$window]$back)",
    ),
)
