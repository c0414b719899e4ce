"""What engineers wrote down for this: the runbooks that fit the incident's alerts and services."""

import asyncio

from shared.context.look import Collected, NotConfigured, View
from shared.context.runbook_ranking import MAX_EXCERPT_CHARS, Sought, fitting, room_of_each
from shared.models.evidence import RunbookEvidence
from shared.redaction import safe_text

MAX_TITLE_CHARS = 200
MAX_WORDS_CHARS = 4000


async def collect_runbooks(view: View) -> Collected:
    """The runbooks that fit best; raises StoreUnavailable, and NotConfigured where nobody has written one."""
    runbooks = await view.services.library.of_tenant(view.tenant_id, now=view.now)
    if not runbooks:
        raise NotConfigured("nobody has written a runbook", reason="no_runbooks")
    names, warnings = await view.around()
    room = room_of_each(runbooks)
    cut = [f"of each runbook the first {room} characters were searched: there is much text"] if room else []
    # Ranking imports numpy the first time, and is arithmetic: not for the loop.
    found = await asyncio.to_thread(fitting, runbooks, _sought(view, names))
    evidence = tuple(
        RunbookEvidence(
            runbook_id=one.runbook.id,
            service=view.service,
            title=safe_text(one.runbook.title, MAX_TITLE_CHARS),
            excerpt=safe_text(one.excerpt, MAX_EXCERPT_CHARS),
            score=one.score,
            because=one.because,
        )
        for one in found
    )
    return Collected(evidence=evidence, warnings=(*warnings, *cut), why_empty="no_runbook_fits")


def _sought(view: View, names: list[str]) -> Sought:
    alerts = [one.normalized_data for one in view.signals]
    said = [text for alert in alerts for text in (alert.name, alert.summary, alert.service_name)]
    return Sought(
        service=view.service,
        neighbours=frozenset(names) - {view.service},
        alert_names=frozenset(alert.name for alert in alerts),
        labels=frozenset(value.lower() for alert in alerts for value in alert.labels.values()),
        text=" ".join(dict.fromkeys(said))[:MAX_WORDS_CHARS],
    )
