"""Stand-ins for the messages of FunctionRpc.proto; the library takes this module for the generated one."""

import builtins
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, ClassVar


class OneOf:
    """A message of which one field is set, as protobuf's oneof; its `name`, where it has one, stands outside."""

    def WhichOneof(self, group: str) -> str | None:  # noqa: N802, ARG002 -- protobuf's name and signature
        """The name of the field that is set."""
        return next((name for name, value in vars(self).items() if name != "name" and value is not None), None)


@dataclass
class TypedData(OneOf):
    """One value on its way in or out."""

    string: str | None = None
    json: str | None = None
    bytes: builtins.bytes | None = None
    http: "RpcHttp | None" = None
    int: builtins.int | None = None
    double: float | None = None


@dataclass
class ParameterBinding(OneOf):
    """A value and the parameter that it is for."""

    name: str
    data: TypedData | None = None


@dataclass
class RpcHttp:
    """A request or an answer; `params` are those of the route. A status is text, as in the .proto."""

    method: str = ""
    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: TypedData = field(default_factory=TypedData)
    params: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    status_code: str = ""
    cookies: Sequence[Any] | None = None
    enable_content_negotiation: bool = False


@dataclass
class RpcException:
    """Why the worker refused."""

    message: str = ""
    stack_trace: str = ""


@dataclass
class StatusResult:
    """Whether it worked."""

    Failure: ClassVar[int] = 0
    Success: ClassVar[int] = 1

    status: int
    exception: RpcException | None = None


@dataclass
class BindingInfo:
    """A binding without its settings, which are in the function's raw bindings."""

    inout: ClassVar[int] = 2
    out: ClassVar[int] = 1
    undefined: ClassVar[int] = 0

    type: str
    data_type: int | None
    direction: int


@dataclass
class RpcRetryOptions:
    """`@app.retry`."""

    max_retry_count: int
    retry_strategy: str
    delay_interval: Any = None
    minimum_interval: Any = None
    maximum_interval: Any = None


@dataclass
class RpcFunctionMetadata:
    """A function as the worker describes it to the host."""

    name: str
    function_id: str
    directory: str
    script_file: str
    entry_point: str
    language: str
    is_proxy: bool
    managed_dependency_enabled: bool
    bindings: Mapping[str, BindingInfo]
    raw_bindings: Sequence[str]
    retry_options: RpcRetryOptions | None
    properties: Mapping[str, str]


@dataclass
class WorkerMetadata:
    """What the worker says about itself."""

    runtime_name: str
    runtime_version: str
    worker_version: str
    worker_bitness: str
    custom_properties: Mapping[str, str]


@dataclass
class WorkerInitResponse:
    """The answer to init, where the library indexes."""

    capabilities: Mapping[str, str]
    worker_metadata: WorkerMetadata
    result: StatusResult


@dataclass
class FunctionMetadataResponse:
    """The answer to the host's question for all functions."""

    use_default_metadata_indexing: bool
    function_metadata_results: Sequence[RpcFunctionMetadata] | None
    result: StatusResult


@dataclass
class FunctionLoadResponse:
    """The answer to one function's load."""

    function_id: str
    result: StatusResult


@dataclass
class InvocationResponse:
    """What a function returned and what it put into its outputs."""

    invocation_id: str
    result: StatusResult
    return_value: TypedData | None = None
    output_data: Sequence[ParameterBinding] = ()


def request(protos: object, **message: object) -> SimpleNamespace:
    """The envelope the proxy worker hands to every handler of the library."""
    return SimpleNamespace(request=SimpleNamespace(**message), properties={"host": "127.0.0.1", "protos": protos})
