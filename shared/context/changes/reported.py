"""The changes that were reported to us, as evidence. Pure."""

from collections.abc import Collection, Iterable

from shared.context.changes.names import Around, is_elsewhere
from shared.context.changes.told import Rank, Told, link_text, name_text, names_of, title_text, version_text
from shared.models.changes import Change
from shared.models.evidence import ChangeEvidence, Origin


def reported(changes: Iterable[Change], around: Around, environments: Collection[str]) -> list[Told]:
    """Those of the services around, in the environments where the trouble may be."""
    found = []
    for change in changes:
        one = change.reported
        service = around.of(change.service_name)
        if service is None or is_elsewhere(one.environment, environments):
            continue
        piece = ChangeEvidence(
            origin=Origin.RECORDS,
            service=service,
            change=one.kind,
            status=one.status,
            version=version_text(one.version),
            title=title_text(one.title),
            author=name_text(one.author),
            url=link_text(one.url),
            at=change.at,
        )
        teller = f"reported/{one.source}"
        found.append(Told(piece, teller, Rank.REPORTED, names_of(one.version), change.at, change.at))
    return found
