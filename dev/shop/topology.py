"""The shop as a table: which service offers which operation, what it calls and how long its own work takes."""

from dataclasses import dataclass
from enum import StrEnum

from dev.ports import Ports


class ServiceName(StrEnum):
    """The six services, in the order of their ports."""

    FRONTEND = "frontend"
    CHECKOUT = "checkout"
    PAYMENT = "payment"
    CATALOG = "catalog"
    CART = "cart"
    ORDERS_DB = "orders-db"


DATABASES = frozenset({ServiceName.ORDERS_DB})


@dataclass(frozen=True)
class Call:
    """One request to another service's operation."""

    server: ServiceName
    method: str
    path: str

    @property
    def connection_type(self) -> str:
        """The kind of edge, as Tempo's service graph labels it: empty for a plain request."""
        return "database" if self.server in DATABASES else ""


@dataclass(frozen=True)
class Operation:
    """What a service does for one method and path: its own work, then its calls one after the other."""

    method: str
    path: str
    own_seconds: float
    calls: tuple[Call, ...] = ()


@dataclass(frozen=True)
class ServiceSpec:
    """A service as it is first deployed. Callers nearer to the user wait longer than what they call does."""

    first_version: str
    call_timeout_seconds: float
    operations: tuple[Operation, ...]


QUERY_ORDERS_DB = Call(ServiceName.ORDERS_DB, "POST", "/query")
READ_CART = Call(ServiceName.CART, "GET", "/items")
READ_PRICES = Call(ServiceName.CATALOG, "GET", "/prices")
CHARGE = Call(ServiceName.PAYMENT, "POST", "/charges")

SHOP: dict[ServiceName, ServiceSpec] = {
    ServiceName.FRONTEND: ServiceSpec(
        "2.31.0",
        4.0,
        (
            Operation("GET", "/products", 0.004, (Call(ServiceName.CATALOG, "GET", "/products"),)),
            Operation("POST", "/cart", 0.004, (Call(ServiceName.CART, "POST", "/items"),)),
            Operation("GET", "/quote", 0.004, (Call(ServiceName.CHECKOUT, "GET", "/quote"),)),
            Operation("POST", "/orders", 0.005, (Call(ServiceName.CHECKOUT, "POST", "/orders"),)),
        ),
    ),
    ServiceName.CHECKOUT: ServiceSpec(
        "1.18.2",
        2.5,
        (
            Operation("GET", "/quote", 0.006, (READ_CART, READ_PRICES)),
            Operation("POST", "/orders", 0.010, (READ_CART, READ_PRICES, CHARGE, QUERY_ORDERS_DB)),
        ),
    ),
    ServiceName.PAYMENT: ServiceSpec("1.4.0", 1.5, (Operation("POST", "/charges", 0.025, (QUERY_ORDERS_DB,)),)),
    ServiceName.CATALOG: ServiceSpec(
        "3.7.1", 1.5, (Operation("GET", "/products", 0.008), Operation("GET", "/prices", 0.005))
    ),
    ServiceName.CART: ServiceSpec(
        "1.9.3",
        1.5,
        (
            Operation("GET", "/items", 0.003, (QUERY_ORDERS_DB,)),
            Operation("POST", "/items", 0.005, (QUERY_ORDERS_DB,)),
        ),
    ),
    ServiceName.ORDERS_DB: ServiceSpec("15.4.0", 1.0, (Operation("POST", "/query", 0.004),)),
}


@dataclass(frozen=True)
class Visit:
    """One thing a customer does at the frontend, and how often relative to the others."""

    method: str
    path: str
    weight: float


# Orders are a fifth of the traffic and two thirds of what checkout does, so errors of payment show up
# thinner at checkout and thinner still at the frontend: the source stands out by its ratio.
VISITS = (
    Visit("GET", "/products", 0.50),
    Visit("POST", "/cart", 0.20),
    Visit("GET", "/quote", 0.10),
    Visit("POST", "/orders", 0.20),
)


def service_port(ports: Ports, service: ServiceName) -> int:
    """The port of one service: the services follow the shop's control port."""
    return ports.shop + 1 + list(ServiceName).index(service)


def service_url(ports: Ports, service: ServiceName) -> str:
    """The base URL of one service."""
    return f"http://127.0.0.1:{service_port(ports, service)}"
