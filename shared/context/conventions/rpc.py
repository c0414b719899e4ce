"""gRPC servers that measure themselves. Codes that blame the caller (NotFound, InvalidArgument) are no errors."""

from shared.context.conventions.http import OTEL_LABELS
from shared.context.conventions.rows import SERVICE_LABELS, Convention, Durations, Family

_GRPC_FAULTS = "Unknown|DeadlineExceeded|Internal|Unavailable|DataLoss|ResourceExhausted|Unimplemented"
# The numbers and names of the same codes but ResourceExhausted, which OpenTelemetry does not count as a fault.
_OTEL_NUMBERS = "2|4|12|13|14|15"
_OTEL_NAMES = "UNKNOWN|DEADLINE_EXCEEDED|UNIMPLEMENTED|INTERNAL|UNAVAILABLE|DATA_LOSS"

RPC_ROWS = (
    Convention(
        name="grpc",
        family=Family.RPC,
        meaning="gRPC calls counted by the Prometheus interceptors.",
        present="grpc_server_handled_total{$of}",
        service_labels=SERVICE_LABELS,
        requests="sum by ($by) (rate(grpc_server_handled_total{$of}[$window]$back))",
        errors=f'sum by ($by) (rate(grpc_server_handled_total{{$of,grpc_code=~"{_GRPC_FAULTS}"}}[$window]$back))',
        durations=(Durations("grpc_server_handling_seconds"),),
    ),
    Convention(
        name="otel_rpc",
        family=Family.RPC,
        meaning="Remote calls by OpenTelemetry's newer semantic conventions.",
        present="rpc_server_call_duration_seconds_count{$of}",
        service_labels=OTEL_LABELS,
        requests="sum by ($by) (rate(rpc_server_call_duration_seconds_count{$of}[$window]$back))",
        errors=(
            "sum by ($by) (rate(rpc_server_call_duration_seconds_count"
            f'{{$of,rpc_response_status_code=~"{_OTEL_NAMES}"}}[$window]$back)'
            ' or rate(rpc_server_call_duration_seconds_count{$of,error_type!=""}[$window]$back))'
        ),
        durations=(Durations("rpc_server_call_duration_seconds"),),
    ),
    Convention(
        name="otel_rpc_old",
        family=Family.RPC,
        meaning="gRPC calls by OpenTelemetry's earlier semantic conventions, in milliseconds.",
        present="rpc_server_duration_milliseconds_count{$of}",
        service_labels=OTEL_LABELS,
        requests="sum by ($by) (rate(rpc_server_duration_milliseconds_count{$of}[$window]$back))",
        errors=(
            "sum by ($by) (rate(rpc_server_duration_milliseconds_count"
            f'{{$of,rpc_grpc_status_code=~"{_OTEL_NUMBERS}"}}[$window]$back))'
        ),
        durations=(Durations("rpc_server_duration_milliseconds", seconds_per_unit=0.001),),
    ),
)
