"""What happened at Globex lately: a table of believable incidents, one in every state, and its runbooks."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.incidents.transitions import Occasion as Step
from shared.models.signals import Severity


@dataclass(frozen=True)
class Story:
    """One incident. Times are minutes: when it began, and since then the `steps` of people and when it was over."""

    service: str
    alert: str
    summary: str
    severity: Severity
    minutes_ago: int
    errors: float
    """The share of requests that fails."""
    callee: str
    deploy: tuple[str, str] | None = None
    """The version that came two minutes before, and the one before it."""
    steps: Sequence[tuple[int, Step]] = ()
    over_after: int | None = None
    is_measured: bool = True
    is_assigned: bool = True


STORIES = (
    Story(
        "orders",
        "HighErrorRatio",
        "orders fails 22% of its requests",
        Severity.CRITICAL,
        12,
        0.22,
        "payments",
        deploy=("4.2.0", "4.1.7"),
        is_assigned=False,
    ),
    Story(
        "search",
        "HighErrorRatio",
        "search fails 9% of its requests",
        Severity.WARNING,
        41,
        0.09,
        "catalog",
        steps=((6, Step.ACKNOWLEDGE),),
    ),
    Story(
        "payments",
        "PaymentsFailing",
        "payments fails 38% of its requests",
        Severity.CRITICAL,
        73,
        0.38,
        "ledger",
        deploy=("2.9.0", "2.8.3"),
        steps=((3, Step.ACKNOWLEDGE), (9, Step.INVESTIGATE)),
    ),
    Story(
        "inventory",
        "HighErrorRatio",
        "inventory fails 14% of its requests",
        Severity.WARNING,
        190,
        0.14,
        "warehouse",
        deploy=("7.0.1", "6.9.9"),
        steps=((5, Step.ACKNOWLEDGE), (15, Step.INVESTIGATE), (34, Step.MITIGATE)),
    ),
    Story(
        "storefront",
        "HighErrorRatio",
        "storefront fails 6% of its requests",
        Severity.WARNING,
        9 * 60,
        0.06,
        "catalog",
        steps=((4, Step.ACKNOWLEDGE),),
        over_after=27,
    ),
    Story(
        "auth",
        "SignInsFailing",
        "auth fails 51% of its requests",
        Severity.CRITICAL,
        2 * 24 * 60,
        0.51,
        "directory",
        deploy=("1.12.0", "1.11.4"),
        steps=((2, Step.ACKNOWLEDGE), (4, Step.INVESTIGATE), (11, Step.MITIGATE), (900, Step.LEARN)),
        over_after=19,
    ),
    Story(
        "shipping",
        "LabelsLate",
        "shipping prints labels late",
        Severity.INFO,
        4 * 24 * 60,
        0.0,
        "carrier",
        steps=((40, Step.ACKNOWLEDGE), (240, Step.GIVE_UP)),
        over_after=120,
        is_measured=False,
    ),
)

RUNBOOKS = (
    (
        "payments fails its requests",
        ("payments",),
        ("PaymentsFailing",),
        ("payments", "rollback"),
        (
            "## First\n\n1. Look at the last deploy of `payments`. Did the errors begin with it? Roll it back.\n"
            "2. Else look at `ledger`: a slow ledger shows here as timeouts.\n\n"
            "## Roll back\n\n```sh\ndeploy payments --to previous\n```\n"
        ),
    ),
    (
        "Nobody can sign in",
        ("auth",),
        ("SignInsFailing",),
        ("auth",),
        (
            "Check that the directory answers before anything else:\n\n"
            "```sh\ncurl -fsS https://directory.globex.example/healthz\n"
            "```\n\nTokens that were issued stay valid for an hour, so **do not restart `auth` twice**.\n"
        ),
    ),
    (
        "A service fails its requests after a deploy",
        ("orders", "search", "inventory", "storefront"),
        ("HighErrorRatio",),
        ("rollback",),
        "Roll back first, understand later. Write down the version and the time in the incident.\n",
    ),
)
"""Title, services, names of alerts, tags and Markdown."""
