"""One name for one service, however its callers spell it; and never one name for two."""

import pytest

from shared.context.edges.names import Name, Spelling, base_of, cluster, host, service
from shared.models.evidence import NodeKind

VIEW, OUTSIDE = NodeKind.CLIENT_VIEW, NodeKind.EXTERNAL


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("payment", Name("payment")),
        ("shop/payment", Name("payment", "shop")),
        ("a/b/c", Name("a/b/c")),
        ("/payment", Name("/payment")),
        ("shop/", Name("shop/")),
        ("user", Name("user")),
        ("unknown", None),
        ("", None),
    ],
)
def test_a_service_names_itself_with_or_without_a_namespace(text: str, name: Name | None) -> None:
    assert service(text) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("payment", Name("payment", kind=VIEW)),
        ("payment:8080", Name("payment", kind=VIEW)),
        ("payment.shop.svc.cluster.local", Name("payment", "shop", VIEW)),
        ("Payment.Shop.svc.cluster.local.:8080", Name("payment", "shop", VIEW)),
        ("payment.shop.svc", Name("payment", "shop", VIEW)),
        ("db-0.db.shop.svc.cluster.local", Name("db", "shop", VIEW)),
        ("payment.shop", Name("payment", "shop", VIEW)),
        ("payment.example", Name("payment.example", kind=OUTSIDE)),
        ("api.stripe.com:443", Name("api.stripe.com", kind=OUTSIDE)),
        ("10.2.3.4:5432", Name("10.2.3.4", kind=VIEW)),
        ("8.8.8.8", Name("8.8.8.8", kind=OUTSIDE)),
        ("[2001:4860:4860::8888]:443", Name("2001:4860:4860::8888", kind=OUTSIDE)),
        ("2001:4860:4860::8888", Name("2001:4860:4860::8888", kind=OUTSIDE)),
        ("localhost:3306", None),
        ("127.0.0.1:3306", None),
        ("[::1]:80", None),
        ("0.0.0.0", None),
        ("svc.cluster.local", Name("svc.cluster.local", kind=OUTSIDE)),
        ("a..b", None),
        (".", None),
        (":8080", None),
        ("PassthroughCluster", None),
        ("", None),
    ],
)
def test_a_host_is_the_service_that_answers_there(text: str, name: Name | None) -> None:
    assert host(text, {"shop"}) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("outbound|8080||payment.shop.svc.cluster.local", Name("payment", "shop", VIEW)),
        ("outbound|443|v2|api.stripe.com", Name("api.stripe.com", kind=OUTSIDE)),
        ("outbound_.8080_._.payment.shop.svc.cluster.local", Name("payment", "shop", VIEW)),
        ("payment", Name("payment", kind=VIEW)),
        ("inbound|8080||", None),
        ("xds-grpc", None),
    ],
)
def test_an_envoy_cluster_is_the_service_behind_it(text: str, name: Name | None) -> None:
    assert cluster(text) == name


def test_namespaces_are_left_out_where_that_leaves_no_doubt() -> None:
    names = [Name("cart", "shop"), Name("api", "shop"), Name("api", "bank"), Name("web")]
    spelled = Spelling(names, "checkout")
    assert [spelled(name) for name in names] == ["cart", "shop/api", "bank/api", "web"]


def test_the_alerting_service_is_spelled_as_its_alert_spells_it() -> None:
    names = [Name("checkout"), Name("checkout", "shop"), Name("checkout", "bank")]
    spelled = Spelling(names, "shop/checkout")
    assert [spelled(name) for name in names] == ["shop/checkout", "shop/checkout", "bank/checkout"]
    assert spelled.taken_together == ()


def test_an_alert_without_a_namespace_stands_for_its_service_in_all_of_them() -> None:
    names = [Name("checkout", "shop"), Name("checkout", "bank")]
    spelled = Spelling(names, "checkout")
    assert [spelled(name) for name in names] == ["checkout", "checkout"]
    assert spelled.taken_together == ("bank", "shop")


def test_a_base_is_the_name_without_its_namespace() -> None:
    texts = ("shop/checkout", "checkout", "a/b/c", "")
    assert [base_of(text) for text in texts] == ["checkout", "checkout", "a/b/c", ""]
