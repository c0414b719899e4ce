"""The whole local Azure: which parts there are, how they find each other, and the settings the product gets."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dev import binaries
from dev.ports import Ports
from dev.processes import Part, Processes, http_ready, port_ready
from dev.prometheus import render

STORAGE_ACCOUNT = "devstoreaccount1"
# Azurite's account key is the same on every machine and published; it protects nothing.
STORAGE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
DATABASE = "srecopilot"

Step = Callable[[str], None]


@dataclass(frozen=True)
class Layout:
    """Where one stack keeps its things."""

    data: Path

    @property
    def logs(self) -> Path:
        return self.data / "logs"

    @property
    def entra(self) -> Path:
        return self.data / "entra"

    @property
    def key_file(self) -> Path:
        return self.data / "keys" / "data.key"

    @property
    def webhook_token(self) -> Path:
        return self.webhook_secret("alertmanager")

    def webhook_secret(self, kind: str) -> Path:
        """What a sender of this kind proves itself with: a token, a password, or what it signs with."""
        return self.data / "secrets" / f"{kind}.token"

    @property
    def config(self) -> Path:
        return self.data / "config"


@dataclass(frozen=True)
class StackOptions:
    """What differs from one stack to another."""

    ports: Ports
    layout: Layout
    lease_seconds: float = 600
    for_seconds: int = 20
    own_host: bool = False
    """Use our host even where Core Tools are installed."""
    storage_log: bool = False
    """Let Azurite write a line for every request to its log."""
    openai: tuple[str, ...] = ()
    """How the simulator of Azure OpenAI is started (`--mode honest`), which is no model; without, there is none."""
    with_telemetry: bool = False
    """Receive the product's telemetry and show it on a page."""


def storage_connection_string(ports: Ports) -> str:
    """How the product finds Azurite."""
    return (
        f"DefaultEndpointsProtocol=http;AccountName={STORAGE_ACCOUNT};AccountKey={STORAGE_KEY};"
        f"BlobEndpoint=http://127.0.0.1:{ports.blob}/{STORAGE_ACCOUNT};"
        f"QueueEndpoint=http://127.0.0.1:{ports.queue}/{STORAGE_ACCOUNT};"
    )


def product_environment(ports: Ports, layout: Layout) -> dict[str, str]:
    """The product's settings in this stack. A real Azure OpenAI is taken from the caller's environment."""
    from dev.cosmos.server import EMULATOR_KEY
    from dev.entra.sign_ins import CLIENT_SECRET
    from dev.entra.tokens import API_AUDIENCE

    return {
        "FUNCTIONS_WORKER_RUNTIME": "python",
        "AZURE_FUNCTIONS_ENVIRONMENT": "Development",
        "AzureWebJobsStorage": storage_connection_string(ports),
        "COSMOS_ENDPOINT": f"http://127.0.0.1:{ports.cosmos}/",
        "COSMOS_KEY": EMULATOR_KEY,
        "COSMOS_DATABASE": DATABASE,
        "ENTRA_AUTHORITY": f"https://localhost:{ports.entra}",
        "ENTRA_AUDIENCE": API_AUDIENCE,
        "ENTRA_CLIENT_SECRET": CLIENT_SECRET,
        # Browsers keep Secure cookies of localhost without TLS; of 127.0.0.1 not all do.
        "PUBLIC_BASE_URL": f"http://localhost:{ports.functions}",
        "ENTRA_CA_FILE": str(layout.entra.absolute() / "ca.pem"),
        "DATA_KEY_FILE": str(layout.key_file.absolute()),
        "OUTBOUND_ALLOW_PRIVATE": "true",
    }


def simulated_model(ports: Ports) -> dict[str, str]:
    """The product's settings for the simulator: every answer of it is labelled with this name."""
    return {
        "AZURE_OPENAI_ENDPOINT": f"http://127.0.0.1:{ports.openai}",
        "AZURE_OPENAI_DEPLOYMENT": "simulator-no-model",
        "AZURE_OPENAI_API_VERSION": "v1",
        "AZURE_OPENAI_API_KEY": "simulator",
    }


def received_telemetry(ports: Ports) -> dict[str, str]:
    """The settings that send all telemetry to the stack's receiver, soon enough for who watches."""
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{ports.telemetry}",
        "OTEL_TRACES_SAMPLER": "always_on",
        "OTEL_METRIC_EXPORT_INTERVAL": "5000",
        "OTEL_BSP_SCHEDULE_DELAY": "1000",
    }


class Stack:
    """Starts the parts in the order in which they need each other."""

    def __init__(self, options: StackOptions) -> None:
        self.options = options
        self.processes = Processes(options.layout.logs)
        self.beside: list[Processes] = []
        """What runs beside the stack for a while, and must not outlive it."""
        self.environment = product_environment(options.ports, options.layout)
        if options.openai:
            self.environment |= simulated_model(options.ports)
        if options.with_telemetry:
            self.environment |= received_telemetry(options.ports)

    async def up(self, step: Step) -> None:
        """Start everything and make the tenant `acme`; raises CannotRun with one sentence."""
        from dev.connect import connect_alertmanager

        integration_id = await self.start_storage(step)
        self._write_configuration(integration_id)
        for part in self._monitoring():
            step(part.name)
            await self.processes.start(part)
        url = f"http://127.0.0.1:{self.options.ports.alertmanager}"
        await connect_alertmanager(self.environment, integration_id, url=url)
        await self.start_host(step)

    async def start_storage(self, step: Step) -> str:
        """Start storage, store and identity, provision them, and return the id of acme's Alertmanager integration."""
        from dev.provision import provision_cosmos, provision_storage
        from dev.seed import seed_acme

        ports = self.options.ports
        for part in self._storage_and_identity():
            step(part.name)
            await self.processes.start(part)
        step("queues, containers, tenant acme")
        provision_storage(self.environment["AzureWebJobsStorage"])
        provision_cosmos(self.environment["COSMOS_ENDPOINT"], self.environment["COSMOS_KEY"], DATABASE)
        return await seed_acme(
            self.environment, self.options.layout, prometheus_url=f"http://127.0.0.1:{ports.prometheus}"
        )

    async def start_cosmos(self) -> None:
        """Start the Cosmos stand-in again, after it was stopped or killed."""
        await self.processes.start(next(part for part in self._storage_and_identity() if part.name == "cosmos"))

    async def start_host(self, step: Step) -> None:
        """Start the Functions host; alone, after it was stopped or killed."""
        step("functions host")
        await self.processes.start(self._host())

    async def down(self) -> None:
        """Stop everything that was started."""
        for processes in (*self.beside, self.processes):
            await processes.stop_all()

    def _storage_and_identity(self) -> list[Part]:
        ports, data = self.options.ports, self.options.layout.data
        azurite_ports = [
            *("--blobHost", "127.0.0.1", "--blobPort", str(ports.blob)),
            *("--queueHost", "127.0.0.1", "--queuePort", str(ports.queue)),
            *("--tableHost", "127.0.0.1", "--tablePort", str(ports.table)),
        ]
        fixed = ["--disableTelemetry", "--skipApiVersionCheck", "--location", str(data / "azurite")]
        quiet = [] if self.options.storage_log else ["--silent"]
        return [
            Part(
                "azurite",
                [*binaries.azurite(), *quiet, *fixed, *azurite_ports],
                [ports.blob, ports.queue, ports.table],
                port_ready(ports.queue),
            ),
            self._python(
                "cosmos", ["--port", str(ports.cosmos), "--data", str(data / "cosmos"), "--strict"], ports.cosmos
            ),
            self._python(
                "entra", ["--port", str(ports.entra), "--data", str(self.options.layout.entra)], ports.entra
            ),
            *self._simulator(),
            *self._receiver(),
        ]

    def _receiver(self) -> list[Part]:
        port = self.options.ports.telemetry
        return [self._python("telemetry", ["--port", str(port)], port)] if self.options.with_telemetry else []

    def _simulator(self) -> list[Part]:
        if not self.options.openai:
            return []
        port = self.options.ports.openai
        return [self._python("openai", ["--port", str(port), *self.options.openai], port)]

    def _monitoring(self) -> list[Part]:
        return monitoring_of(self.options.ports, self.options.layout)

    def _python(self, command: str, arguments: list[str], port: int) -> Part:
        return python_part(command, arguments, port)

    def _host(self) -> Part:
        port = self.options.ports.functions
        ready = http_ready(f"http://127.0.0.1:{port}/admin/host/ping")
        core_tools = None if self.options.own_host else binaries.functions_host()
        if core_tools:
            line = [core_tools, "start", "--port", str(port)]
            return Part("functions-host", line, [port], ready, self.environment, binaries.ROOT)
        lease = ["--lease-seconds", str(self.options.lease_seconds)]
        line = [sys.executable, "-m", "dev", "host", "--port", str(port), *lease]
        return Part("functions-host", line, [port], ready, self.environment, binaries.ROOT)

    def _write_configuration(self, integration_id: str) -> None:
        options = self.options
        url = render.webhook_url(options.ports, integration_id)
        write_configuration(
            options.ports,
            options.layout,
            webhook=(url, options.layout.webhook_token),
            for_seconds=options.for_seconds,
        )


def python_part(command: str, arguments: list[str], port: int) -> Part:
    """A tool of our own that listens on a port."""
    line = [sys.executable, "-m", "dev", command, *arguments]
    return Part(command, line, [port], port_ready(port), folder=binaries.ROOT)


def monitoring_of(ports: Ports, layout: Layout, *, shop: Sequence[str] = ()) -> list[Part]:
    """A shop, and the Alertmanager and Prometheus that watch it; `shop` are further arguments of the shop's."""
    prometheus = render.prometheus_command(
        binaries.find("prometheus"), layout.config / "prometheus.yml", layout.data / "prometheus", ports.prometheus
    )
    alertmanager = render.alertmanager_command(
        binaries.find("alertmanager"),
        layout.config / "alertmanager.yml",
        layout.data / "alertmanager",
        ports.alertmanager,
    )
    ready = "http://127.0.0.1:{}/-/ready"
    return [
        python_part("shop", ["--port-base", str(ports.base), *shop], ports.shop),
        Part("alertmanager", alertmanager, [ports.alertmanager], http_ready(ready.format(ports.alertmanager))),
        Part("prometheus", prometheus, [ports.prometheus], http_ready(ready.format(ports.prometheus))),
    ]


def write_configuration(ports: Ports, layout: Layout, *, webhook: tuple[str, Path], for_seconds: int) -> None:
    """What Prometheus and Alertmanager read; `webhook` is where the pages go, and the file with the token for it."""
    layout.config.mkdir(parents=True, exist_ok=True)
    rules = layout.config / "rules.yml"
    rules.write_text(render.alert_rules(for_seconds=for_seconds))
    (layout.config / "prometheus.yml").write_text(render.prometheus_config(ports, rules))
    url, token_file = webhook
    (layout.config / "alertmanager.yml").write_text(
        render.alertmanager_config(webhook_url=url, token_file=token_file)
    )
