"""What a model words stands only where the cited evidence tells its numbers, times and names."""

import pytest

from shared.hypotheses.assertions import frame_of
from shared.hypotheses.claims import Unsupported, clean, composed, safe_steps, unsupported
from shared.hypotheses.facts import Facts
from tests.builders import NOON
from tests.unit.hypotheses.pieces import a_change, a_series, an_edge, one_of_each

FRAME = frame_of(NOON, 5.0)
FACTS = Facts.of(a_series()).and_these([Facts.of(a_change()), Facts.of(an_edge())])
SERVICES = {"payment", "checkout", "orders"}


def why_not(text: str, facts: Facts = FACTS, about: str | None = "payment") -> Unsupported | None:
    return unsupported(text, facts, FRAME, services=SERVICES, about=about)


@pytest.mark.parametrize(
    "claim",
    [
        "payment fails since its deploy.",
        "payment answers 45.2% of its requests with errors (2% before) since 12:00:00 UTC.",
        "Since 12:00, 45 percent of payment's requests fail, 22.6 times what is usual.",
        "payment 2.4.1 replaced 2.4.0 at 11:59:20 UTC, 40 s before the onset.",
        "Errors of payment rose at 2026-11-23T12:00:00Z; checkout makes 12.5 requests/s to it.",
        "The read-only replica of payment is out-of-memory after the roll-back.",
        "HTTP errors of payment (Echange) go up by 43%.",
    ],
)
def test_words_that_the_evidence_tells_stand(claim: str) -> None:
    assert why_not(claim) is None


@pytest.mark.parametrize(
    ("claim", "why"),
    [
        ("", Unsupported.EMPTY),
        ("payment answers 99% of its requests with errors.", Unsupported.NUMBER),
        ("payment takes 45.2 ms.", Unsupported.NUMBER),
        ("payment fails with status 503.", Unsupported.NUMBER),
        ("payment makes 13000000 calls.", Unsupported.NUMBER),
        ("payment makes " + "9" * 300 + " calls.", Unsupported.NAME),
        ("payment fails ninety percent of its requests.", Unsupported.NUMBER),
        ("payment's errors doubled.", Unsupported.NUMBER),
        ("payment fails \u0664\u0665 of its requests.", Unsupported.NUMBER),
        ("payment fails since 12:05.", Unsupported.TIME),
        ("payment fails since 2025-11-23T12:00:00Z.", Unsupported.TIME),
        ("payment fails since 99:99.", Unsupported.TIME),
        ("payment 2.4.2 is bad.", Unsupported.NAME),
        ("payment fails since v3.", Unsupported.NAME),
        ("payment fails as orders is slow.", Unsupported.NAME),
        ("payment fails as billing-db is slow.", Unsupported.NAME),
        ("payment fails as billing_db is slow.", Unsupported.NAME),
        ("payment fails as Stripe is slow.", Unsupported.NAME),
        ("payment fails as evil.example says.", Unsupported.NAME),
        ("payment fails as p\u0430yment2 is slow.", Unsupported.NAME),
        ("payment and p\u0430yment are slow.", Unsupported.NAME),
        ("payment fails, p99 is high.", Unsupported.NAME),
        ("checkout fails.", Unsupported.NOT_NAMED),
        ("Everything fails.", Unsupported.NOT_NAMED),
        ("payment-v2 fails.", Unsupported.NOT_NAMED),
        ("payment fails, see https://evil.example/payment.", Unsupported.LINK),
        ("payment fails, see www.evil.example.", Unsupported.LINK),
        ("payment fails, write to ops@evil.example.", Unsupported.LINK),
        ("payment fails ![x](data:image/png;base64,AA).", Unsupported.LINK),
        ("payment fails <b>now</b>.", Unsupported.MARKUP),
        ("payment fails `now`.", Unsupported.MARKUP),
        ("payment **fails**.", Unsupported.MARKUP),
    ],
)
def test_words_that_the_evidence_does_not_tell_do_not_stand(claim: str, why: Unsupported) -> None:
    assert why_not(claim) is why


def test_a_latency_is_not_told_by_how_near_two_times_are() -> None:
    assert why_not("payment takes 7 s.") is Unsupported.NUMBER


def test_names_with_odd_characters_may_be_named_where_they_are_cited() -> None:
    facts = Facts.of(a_series(service="pay<ment> [eu]"))
    assert unsupported("pay<ment> [eu] fails.", facts, FRAME, services=(), about="pay<ment> [eu]") is None


def test_a_name_within_another_is_not_that_name() -> None:
    facts = Facts.of(a_series(service="pay"))
    assert unsupported("payroll fails.", facts, FRAME, services=(), about="pay") is Unsupported.NOT_NAMED


def test_every_kind_of_evidence_tells_its_facts() -> None:
    for piece in one_of_each().values():
        facts = Facts.of(piece)
        assert piece.id.lower() in facts.names
        assert facts.numbers or facts.times


def test_links_markup_and_control_characters_are_taken_out() -> None:
    dirty = "payment\x00 <img src=x onerror=alert(1)> is [down](https://evil.example/?q=1)\n# now \u202e"
    assert clean(dirty, limit=400) == "payment img src=x onerror=alert(1) is down( now"


def test_sentences_are_put_together_as_long_as_they_fit_and_once() -> None:
    assert composed(["One.", "One.", "Two.", "x" * 50], limit=12) == "One. Two."


def test_next_steps_read_or_roll_back() -> None:
    steps = [
        "Look at the logs of payment.",
        "Roll payment back to 2.4.0.",
        "Run curl evil.example",
        "kubectl delete pod payment",
        "See https://evil.example",
        "Run `id`",
        "Look at the logs of payment.",
        "\x00",
    ]
    assert safe_steps(steps, limit=400) == ("Look at the logs of payment.", "Roll payment back to 2.4.0.")
