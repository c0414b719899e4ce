"""A service is found under the names a Prometheus has for it, and never by likeness."""

import pytest

from shared.context.conventions import Carrier
from shared.context.service_names import Index, Match, MatchReason, Names, match, resolve, subjects
from shared.models.base import IntegrationId
from shared.models.conventions import Detected, Gone, ServiceAliases, ServiceNames
from tests.builders import ACME, NOON

NO_MAPPING = ServiceNames.none_yet(ACME, now=NOON)


def mapped(**services: tuple[str, ...]) -> ServiceNames:
    known = tuple(ServiceAliases(service=name, aliases=aliases) for name, aliases in services.items())
    return NO_MAPPING.model_copy(update={"services": known})


def detected(gone: tuple[Gone, ...] = (), **found: tuple[str, ...]) -> Index:
    names = {binding.replace("__", "/"): there for binding, there in found.items()}
    nothing = Detected.nothing_yet(ACME, IntegrationId("int-1"), now=NOON)
    return Index(nothing.model_copy(update={"found": names, "gone": gone}))


@pytest.mark.parametrize(
    ("service", "there", "reason", "name"),
    [
        ("checkout", ["checkout", "Checkout"], MatchReason.EXACT, "checkout"),
        ("Check_Out", ["check-out", "checkin"], MatchReason.FOLDED, "check-out"),
        ("checkout", ["shop/checkout", "shop/cart"], MatchReason.NAMESPACED, "shop/checkout"),
        ("shop/checkout", ["checkout"], MatchReason.NAMESPACED, "checkout"),
        ("shop/checkout", ["shop/Checkout", "checkout"], MatchReason.FOLDED, "shop/Checkout"),
        ("checkout-service", ["checkout"], MatchReason.KUBERNETES, "checkout"),
        ("checkout", ["checkout-svc", "checkout-worker"], MatchReason.KUBERNETES, "checkout-svc"),
        ("checkout", ["shop/checkoutd", "checkout.shop.svc.cluster.local"], MatchReason.KUBERNETES, None),
        ("checkout-6d4cf56db6-x7k2p", ["checkout"], MatchReason.KUBERNETES, "checkout"),
        ("checkout-6d4cf56db6", ["checkout"], MatchReason.KUBERNETES, "checkout"),
        ("checkout", ["outbound|8080|v1|checkout.shop.svc.cluster.local"], MatchReason.KUBERNETES, None),
        ("db", ["db:5432"], MatchReason.KUBERNETES, "db:5432"),
        ("db", ["mydb", "db-x", "x/mydb", "dbdb-svc", "db-svc"], MatchReason.KUBERNETES, "db-svc"),
        ("db", ["db", "x/db"], MatchReason.EXACT, "db"),
        ("db", ["xdb", "y/xdb", "z/db"], MatchReason.NAMESPACED, "z/db"),
    ],
)
def test_a_known_spelling_is_found(service: str, there: list[str], reason: MatchReason, name: str | None) -> None:
    found = match(service, Names(there))
    assert found.reason is reason
    assert found.name == (name or there[-1])


@pytest.mark.parametrize(
    ("service", "there"),
    [
        ("checkout", ["check", "checkouts", "checkout-worker", "my-checkout", "checkout2"]),
        ("shop/checkout", ["bank/checkout"]),
        ("checkout", ["checkout.example.com", "api.checkout"]),
        # Words, although of the letters that Kubernetes draws from.
        ("checkout", ["checkout-crypts", "checkout-rhythms-lynch"]),
        ("checkout", []),
        ("", ["-service"]),
        ("a\nb", ["x/a\nb", "b", "a"]),
        ("b", ["x/a\nb", "a\nb"]),
        ("\nb", ["a", "b", "c"]),
        ("\n", ["a", "b"]),
    ],
)
def test_what_only_looks_alike_is_no_match(service: str, there: list[str]) -> None:
    assert match(service, Names(there)) == Match(None, MatchReason.UNKNOWN)


@pytest.mark.parametrize(
    ("service", "there"),
    [
        ("checkout", ["Checkout", "CHECKOUT"]),
        ("checkout", ["prod/checkout", "staging/checkout"]),
        ("checkout", ["checkout-service", "checkout-svc"]),
        ("checkout", ["checkout.prod.svc.cluster.local", "checkout.staging.svc.cluster.local"]),
    ],
)
def test_of_two_candidates_none_is_taken(service: str, there: list[str]) -> None:
    assert match(service, Names(there)) == Match(None, MatchReason.AMBIGUOUS, tuple(sorted(there)))


def test_the_tenants_word_goes_before_everything_else_wherever_it_names_something() -> None:
    others = mapped(checkout=("shop/kasse", "till")).group_of("checkout")
    assert match("checkout", Names(["checkout", "shop/kasse"]), others) == Match("shop/kasse", MatchReason.MAPPED)
    assert match("checkout", Names(["checkout"]), others) == Match("checkout", MatchReason.EXACT)
    both = match("checkout", Names(["till", "shop/kasse"]), others)
    assert (both.name, both.reason) == (None, MatchReason.AMBIGUOUS)


def test_an_alert_may_use_any_name_of_a_service() -> None:
    mapping = mapped(checkout=("kasse", "till"))
    assert mapping.group_of("kasse") == ("checkout", "till")
    assert match("kasse", Names(["checkout"]), mapping.group_of("kasse")).reason is MatchReason.MAPPED
    assert mapping.group_of("search") == ()


def test_a_sure_name_under_a_later_row_goes_before_a_guess_under_an_earlier() -> None:
    found = detected(prometheus_client__job=("Checkout",), service_graph__server=("checkout",))
    place = resolve(["checkout"], found, NO_MAPPING).places["checkout"]
    assert (place.binding.name, place.reason) == ("service_graph/server", MatchReason.EXACT)


def test_of_equally_sure_names_the_first_row_of_the_table_counts() -> None:
    found = detected(service_graph__server=("a", "b"), grpc__job=("a",), prometheus_client__app=("a",))
    resolution = resolve(["a", "b", "c", "a"], found, NO_MAPPING)
    assert {binding.name: names for binding, names in resolution.bound.items()} == {
        "prometheus_client/app": {"a": "a"},
        "service_graph/server": {"b": "b"},
    }
    assert resolution.warnings == ()


def test_who_could_be_several_is_told_with_the_candidates() -> None:
    crowd = tuple(f"ns{number}/pay" for number in range(8))
    resolution = resolve(["pay"], detected(otel_http__job=crowd), NO_MAPPING)
    assert resolution.places == {}
    (warning,) = resolution.warnings
    assert warning.startswith("pay could be ns0/pay or ns1/pay or ns2/pay or ns3/pay or ns4/pay or 3 more:")


def test_an_ambiguous_name_is_no_trouble_where_another_row_knows_the_service() -> None:
    found = detected(otel_http__job=("prod/pay", "staging/pay"), service_graph__server=("pay",))
    resolution = resolve(["pay"], found, NO_MAPPING)
    assert resolution.places["pay"].binding.name == "service_graph/server"
    assert resolution.warnings == ()


def test_a_service_that_has_gone_is_still_known() -> None:
    gone = Gone(binding="grpc/job", name="pay", seen_at=NOON)
    assert resolve(["pay"], detected(gone=(gone,)), NO_MAPPING).places["pay"].name == "pay"


def test_limits_are_found_by_workload_process_and_consumer_group() -> None:
    found = detected(
        deployments__deployment=("pay-deployment",),
        stateful_sets__statefulset=("db",),
        consumer_groups__consumergroup=("Pay",),
        processes__job=("shop/pay",),
    )
    assert subjects(["pay", "db"], found, NO_MAPPING) == {
        (Carrier.DEPLOYMENT, ""): {"pay": "pay-deployment"},
        (Carrier.POD, ""): {"pay": "pay-deployment", "db": "db"},
        (Carrier.CONSUMER_GROUP, ""): {"pay": "Pay"},
        (Carrier.PROCESS, "job"): {"pay": "shop/pay"},
    }


@pytest.mark.parametrize(
    ("services", "said"),
    [
        ((("a", ("b",)), ("c", ("b",))), "'b' is named twice"),
        ((("a", ("b",)), ("b", ("c",))), "'b' is named twice"),
        ((("a", ("a",)),), "'a' is named twice"),
        (tuple((f"s{n}", (f"{n:0150}", f"a{n:0150}")) for n in range(1200)), "characters"),
    ],
)
def test_a_mapping_in_which_a_name_stands_for_two_is_refused(services: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        ServiceNames.model_validate(
            {**dict(NO_MAPPING), "services": [{"service": name, "aliases": more} for name, more in services]}
        )
