"""Detection: every name under every row in one query, kept within bounds, and what has gone since."""

from datetime import timedelta
from pathlib import Path

from shared.context.conventions.detect import with_subjects
from shared.context.conventions.listing import asked_for, heard, listing
from shared.models.base import IntegrationId
from shared.models.conventions import MAX_NAMES, REMEMBERED_FOR, Detected, Gone
from shared.ports.metrics import Sample
from tests.builders import ACME, NOON
from tests.unit.context.promtool import Case, judged

NOTHING = Detected.nothing_yet(ACME, IntegrationId("int-1"), now=NOON)
LATER = NOON + timedelta(minutes=20)


def told(row: str, **labels: str) -> Sample:
    return Sample({"binding": row, **labels}, 0, 1)


def hear(*samples: Sample, held: Detected = NOTHING, max_series: int = 100) -> Detected:
    return heard(samples, held, max_series=max_series, now=LATER)


def test_one_query_tells_the_names_under_each_row_now_and_then(tmp_path: Path) -> None:
    series = {
        'http_requests_total{service="shop",job="a",code="200",instance="1"}': "0+1x20",
        'http_requests_total{service="shop",job="a",code="500",instance="2"}': "0+1x20",
        'http_requests_total{app="only-app"}': "0+1x20",
        'istio_requests_total{reporter="destination",destination_service_name="meshed"}': "0+1x20",
        'istio_requests_total{reporter="source",destination_service_name="outside"}': "0+1x20",
        'calls_total{service_name="spans",span_kind="SPAN_KIND_SERVER"}': "0+1x20",
        'grpc_server_handled_total{job="dead"}': "0+1x5 stale",
        'kube_deployment_spec_replicas{namespace="x",deployment="web"}': "1x20",
        'kube_deployment_spec_replicas{namespace="y",deployment="web"}': "1x20",
        'kafka_consumergroup_lag{consumergroup="mails",topic="t",partition="0"}': "1x20",
        'process_max_fds{job="a",instance="1"}': "9x20",
    }
    expected = [
        ({"binding": "prometheus_client", "service": "shop", "job": "a"}, 1.0),
        ({"binding": "prometheus_client", "app": "only-app"}, 1.0),
        ({"binding": "istio", "destination_service_name": "meshed"}, 1.0),
        ({"binding": "istio_source", "destination_service_name": "outside"}, 1.0),
        ({"binding": "otel_spans_old", "service_name": "spans"}, 1.0),
        ({"binding": "deployments", "deployment": "web"}, 1.0),
        ({"binding": "consumer_groups", "consumergroup": "mails"}, 1.0),
        ({"binding": "processes", "job": "a"}, 1.0),
    ]
    dead = ({"binding": "grpc", "job": "dead"}, 1.0)
    cases = [
        Case("now", listing(), expected, 20),
        Case("now and then", listing(seconds_ago=900), [*expected, dead], 20),
    ]
    own = [
        ({"binding": "prometheus_client/service", "service": "shop"}, 2.0),
        ({"binding": "deployments/deployment", "deployment": "web"}, 2.0),
        ({"binding": "processes/job", "job": "a"}, 1.0),
        ({"binding": "prometheus_client/job", "job": "a"}, 2.0),
        ({"binding": "grpc/job", "job": "dead"}, 1.0),
    ]
    cases.append(Case("by name", with_subjects(["shop", "web", "a", "dead"], seconds_ago=900), own, 20))
    assert judged(tmp_path, series, cases) == {}


def test_a_sample_may_name_a_service_under_several_labels() -> None:
    found = hear(told("prometheus_client", service="shop", job="a"), told("prometheus_client", job="b"))
    assert found.found == {"prometheus_client/service": ("shop",), "prometheus_client/job": ("a", "b")}
    assert (found.listed_at, found.cut, found.warnings) == (LATER, (), ())


def test_what_is_no_row_of_ours_and_no_whole_name_is_not_kept() -> None:
    found = hear(
        told("somebody's", job="a"), told("grpc", job="x" * 201), told("grpc", job=""), told("grpc", pod="p")
    )
    assert found.found == {}


def test_names_beyond_the_limit_are_left_out_and_it_says_so() -> None:
    found = hear(*(told("grpc", job=f"job-{number:05}") for number in range(MAX_NAMES + 1)), max_series=10_000)
    assert len(found.found["grpc/job"]) == MAX_NAMES
    assert found.cut == ("grpc/job",)
    assert found.warnings == ("Prometheus has more names of services than are kept (grpc)",)


def test_an_answer_cut_short_leaves_the_rows_from_its_last_on_in_doubt() -> None:
    found = hear(told("prometheus_client", job="a"), told("grpc", job="b"), max_series=2)
    assert "prometheus_client/job" not in found.cut
    assert {"grpc/job", "service_graph/server", "deployments/deployment"} <= set(found.cut)


def test_long_names_must_fit_one_document_and_the_first_rows_go_first() -> None:
    long = [f"{number:05}" + "x" * 195 for number in range(1000)]
    found = hear(
        *(told("prometheus_client", job=name) for name in long),
        *(told("grpc", job=name) for name in long),
        told("service_graph", server="short"),
        max_series=10_000,
    )
    assert set(found.found) == {"prometheus_client/job", "service_graph/server"}
    assert found.cut == ("grpc/job",)


def test_who_has_gone_is_known_for_a_day() -> None:
    first = heard([told("grpc", job="a"), told("grpc", job="b")], NOTHING, max_series=100, now=NOON)
    second = heard([told("grpc", job="a")], first, max_series=100, now=LATER)
    assert second.gone == (Gone(binding="grpc/job", name="b", seen_at=NOON),)
    assert second.names("grpc/job") == {"a", "b"}
    assert heard([], second, max_series=100, now=NOON + REMEMBERED_FOR).gone == (
        Gone(binding="grpc/job", name="a", seen_at=LATER),
    )
    back = heard([told("grpc", job="b")], second, max_series=100, now=LATER)
    assert [one.name for one in back.gone] == ["a"]


def test_a_name_missing_from_an_answer_cut_short_has_not_gone() -> None:
    first = heard([told("grpc", job="b")], NOTHING, max_series=100, now=NOON)
    assert heard([told("grpc", job="a")], first, max_series=1, now=LATER).gone == ()


def test_names_asked_for_by_themselves_replace_what_was_known_of_them_alone() -> None:
    held = hear(told("grpc", job="a"), told("grpc", job="z"), told("grpc", job="other"))
    asked = asked_for([told("otel_http/job", job="z")], held, {"z": ("z", "a")}, now=LATER + timedelta(minutes=1))
    assert asked.found == {"grpc/job": ("other",), "otel_http/job": ("z",)}
    assert [(one.binding, one.name, one.seen_at) for one in asked.gone] == [
        ("grpc/job", "a", LATER),
        ("grpc/job", "z", LATER),
    ]
    assert asked.asked_within(timedelta(minutes=1), LATER + timedelta(minutes=1)) == {"z"}
    assert asked.listed_at == LATER


def test_an_answer_about_what_was_not_asked_is_no_news() -> None:
    assert asked_for([told("grpc/job", job="b")], NOTHING, {"a": ("a",)}, now=LATER).found == {}


def test_a_name_with_a_secret_in_it_is_not_kept() -> None:
    leaky = told("prometheus_client", service="amqp://worker:hunter2@mq.example/vhost", job="shop")
    found = hear(leaky, told("prometheus_client", service="password=hunter2"))
    assert "hunter2" not in found.model_dump_json()
    assert found.found["prometheus_client/job"] == ("shop",)
