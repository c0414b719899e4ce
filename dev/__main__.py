"""`python -m dev`: the local stack and its tools."""

from pathlib import Path
from typing import Annotated

import typer

from dev.ports import DEFAULT_BASE, Ports

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)

PortBase = Annotated[int, typer.Option(help="First port of the stack's range.", envvar="SRECOPILOT_PORT_BASE")]
DataDir = Annotated[Path, typer.Option(help="Where the stack keeps its data.")]
LOCAL = Path(".local")


@app.command()
def cosmos(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = Ports().cosmos,
    data: DataDir = LOCAL / "cosmos",
    *,
    strict: Annotated[bool, typer.Option(help="Refuse queries without a partition key with 403.")] = False,
) -> None:
    """Run the Cosmos DB stand-in alone: the REST protocol for the genuine SDK, on SQLite."""
    from dev.cosmos.server import serve

    serve(port=port, data=data, strict=strict)


@app.command()
def host(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = Ports().functions,
    lease_seconds: Annotated[
        float, typer.Option(help="Lease of a queue message; Azure's host holds it 600 s.")
    ] = 600,
) -> None:
    """Run the function app of this folder with the Functions host's semantics."""
    from dev.host.server import serve

    serve(port=port, lease_seconds=lease_seconds)


@app.command()
def infra() -> None:
    """Write the tables that Bicep loads (infra/generated) from the product's own."""
    from dev.infra import write

    print("\n".join(write()) or "nothing to change")


@app.command()
def shop(
    port_base: PortBase = DEFAULT_BASE,
    requests_per_second: Annotated[float, typer.Option(min=0, max=400, help="How many customers arrive.")] = 40,
    seed: Annotated[int | None, typer.Option(help="Of everything that is random in it.")] = None,
) -> None:
    """Run the demo shop: six services that call each other, a load generator, faults to inject."""
    from dev.shop.server import serve

    serve(Ports(port_base), seed=seed, requests_per_second=requests_per_second)


@app.command()
def entra(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = Ports().entra,
    data: DataDir = LOCAL / "entra",
) -> None:
    """Run the local OpenID provider that stands in for Entra ID, over TLS."""
    from dev.entra.server import serve

    serve(port=port, data=data)


@app.command()
def openai(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = Ports().openai,
    mode: Annotated[str, typer.Option(help="scripted, honest, lying or obedient.")] = "scripted",
    latency_ms: Annotated[int, typer.Option(min=0, help="How long each answer takes at least.")] = 0,
    spread_ms: Annotated[int, typer.Option(min=0, help="By how much more it varies.")] = 0,
    script: Annotated[Path | None, typer.Option(help="JSON list of answers that come first.")] = None,
    auth: Annotated[str, typer.Option(help="What callers must show: any, key or entra.")] = "any",
    key: Annotated[str | None, typer.Option(help="The only key that is good.")] = None,
) -> None:
    """Run the protocol simulator of Azure OpenAI. It is for tests and load only: it is no model and says so."""
    from dev.openai.commands import run_simulator

    run_simulator(port, script, mode=mode, latency_ms=latency_ms, spread_ms=spread_ms, auth=auth, key=key)


@app.command()
def telemetry(port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = Ports().telemetry) -> None:
    """Receive telemetry by OTLP and show it on a page: traces, measures, logs."""
    from dev.telemetry.server import serve

    serve(port=port)


@app.command()
def token(
    tenant: Annotated[str, typer.Option(help="Slug of the tenant.")] = "acme",
    role: Annotated[str, typer.Option(help="admin, engineer or viewer.")] = "engineer",
    port_base: PortBase = DEFAULT_BASE,
    data: DataDir = LOCAL,
) -> None:
    """Print a bearer token of the local OpenID provider, for curl."""
    from dev.commands import print_token

    print_token(tenant, role, Ports(port_base), data)


@app.command()
def seed(
    port_base: PortBase = DEFAULT_BASE,
    data: DataDir = LOCAL,
    prometheus_url: Annotated[str | None, typer.Option(help="Ask this Prometheus instead of the stack's.")] = None,
    prometheus_token_file: Annotated[Path | None, typer.Option(help="File with its bearer token.")] = None,
) -> None:
    """Create what is missing on a running stack: `acme` with its integrations, and `globex` with a past."""
    from dev.commands import seed_running_stack

    seed_running_stack(Ports(port_base), data, prometheus_url=prometheus_url, token_file=prometheus_token_file)


@app.command()
def prepare(
    port_base: PortBase = DEFAULT_BASE,
    data: DataDir = LOCAL,
    cosmos_endpoint: Annotated[
        str, typer.Option(envvar="COSMOS_ENDPOINT", help="The store that was chosen.")
    ] = f"http://127.0.0.1:{Ports().cosmos}/",
) -> None:
    """For compose.yaml: make queues, containers, the tenant `acme` and the other containers' files, then end."""
    import asyncio

    from dev.compose import prepare as make_ready
    from dev.stack import Layout

    integration_id = asyncio.run(make_ready(Ports(port_base), Layout(data), cosmos_endpoint=cosmos_endpoint))
    print(f"ready: acme's Alertmanager posts to /api/webhooks/alertmanager/{integration_id}")


@app.command()
def parse(
    file: Annotated[Path, typer.Argument(help="A payload as a sender posts it.")],
    source: Annotated[str, typer.Option(help="Who sends it, for instance alertmanager.")] = "alertmanager",
) -> None:
    """Print as JSON the signals a payload would become: exit 0, or 2 with one sentence when it would be refused."""
    from dev.commands import print_signals

    print_signals(file, source)


@app.command()
def redact(
    file: Annotated[Path, typer.Argument(help="A payload as a sender posts it, or a log.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="For jq.")] = False,
) -> None:
    """Print what of a file redaction would mask, by path and kind, never a secret; exit 2 when it cannot be read."""
    from dev.commands import print_redaction

    print_redaction(file, as_json=as_json)


@app.command()
def backtest(
    port_base: PortBase = DEFAULT_BASE,
    data: DataDir = LOCAL,
    tenant: Annotated[str, typer.Option(help="Slug of the tenant.")] = "acme",
    link_at: Annotated[float | None, typer.Option(min=0.0, max=1.0, help="Another threshold of links.")] = None,
    window_seconds: Annotated[float | None, typer.Option(min=1.0, help="Another window of time.")] = None,
    max_incidents: Annotated[int, typer.Option(min=1, max=5000, help="How many of the newest are replayed.")] = 500,
) -> None:
    """Replay the stack's signals under other thresholds: how many incidents there would be, what would move."""
    from dev.commands import print_backtest

    print_backtest(
        Ports(port_base), data, tenant, link_at=link_at, window_seconds=window_seconds, max_incidents=max_incidents
    )


@app.command()
def up(
    port_base: PortBase = DEFAULT_BASE,
    data: DataDir = LOCAL,
    *,
    lease_seconds: Annotated[float, typer.Option(help="Lease of a queue message.")] = 600,
    own_host: Annotated[bool, typer.Option(help="Use our host even where Core Tools are installed.")] = False,
    openai: Annotated[
        str | None, typer.Option(help="Put the protocol simulator (honest, lying, obedient) in a model's place.")
    ] = None,
    telemetry: Annotated[bool, typer.Option(help="Receive the product's telemetry and show it on a page.")] = False,
) -> None:
    """Start the whole local stack and leave it running until Ctrl-C."""
    from dev.commands import run_up

    run_up(
        Ports(port_base),
        data,
        lease_seconds=lease_seconds,
        own_host=own_host,
        openai_mode=openai,
        with_telemetry=telemetry,
    )


@app.command()
def demo(
    port_base: PortBase = DEFAULT_BASE,
    data: DataDir = LOCAL,
    *,
    once: Annotated[bool, typer.Option(help="Stop afterwards; exit 0 when the answer is right, else 1.")] = False,
    lease_seconds: Annotated[float, typer.Option(help="Lease of a queue message.")] = 600,
    own_host: Annotated[bool, typer.Option(help="Use our host even where Core Tools are installed.")] = False,
    picture: Annotated[Path | None, typer.Option(help="Also write what is printed as an SVG.")] = None,
    matrix: Annotated[
        bool, typer.Option(help="Measure: every fault on every service; exit 1 below the goals.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Of the matrix: decides its order, sizes and decoys.")] = 1,
    cases: Annotated[int | None, typer.Option(min=1, help="Of the matrix: only so many, in its order.")] = None,
    lanes: Annotated[int, typer.Option(min=1, max=8, help="Of the matrix: shops side by side.")] = 4,
    as_json: Annotated[bool, typer.Option("--json", help="Of the matrix: print JSON.")] = False,
) -> None:
    """Start the stack, break the shop with a bad deploy, wait for the page and print the incident."""
    if matrix:
        from dev.matrix.run import MatrixOptions, run_the_matrix

        run_the_matrix(MatrixOptions(data / "matrix", seed, cases, lanes, as_json, own_host=own_host))
        return
    from dev.commands import run_the_demo

    run_the_demo(Ports(port_base), data, once=once, lease_seconds=lease_seconds, own_host=own_host, picture=picture)


@app.command()
def drill(
    port_base: PortBase = DEFAULT_BASE,
    data: Annotated[Path, typer.Option(help="Where the drill keeps its stores and the backup.")] = LOCAL / "drill",
) -> None:
    """Practise a restore: back a tenant up, lose everything, restore, compare; exit 1 when anything differs."""
    from dev.commands import run_drill

    run_drill(Ports(port_base), data)


@app.command("test")
def run_all_tests(
    fast: Annotated[bool, typer.Option(help="Only what needs no other process.")] = False,
) -> None:
    """Run the tests with coverage; the last step of `make test`."""
    from dev.commands import run_tests

    run_tests(fast=fast)


if __name__ == "__main__":
    app()
