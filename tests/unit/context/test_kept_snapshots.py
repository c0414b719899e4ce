"""A snapshot that was kept by an earlier release stays whole: its canonical JSON is what was hashed."""

from pathlib import Path
from typing import get_args

from shared.models.evidence import Evidence
from shared.models.snapshots import Snapshot, SnapshotBody

KEPT = Path(__file__).with_name(f"kept_body_v{Snapshot.current_schema}.json").read_text(encoding="utf-8").strip()


def test_what_this_schema_froze_still_has_the_hash_that_it_had() -> None:
    # A new field, though it has a default, is spelled too: every snapshot and regression case kept before would count
    # as altered. It needs a new schema version, whose upcast hashes anew, and a body kept in that.
    assert SnapshotBody.model_validate_json(KEPT).canonical_json() == KEPT


def test_the_kept_body_holds_every_kind_of_evidence() -> None:
    kinds = {one.model_fields["kind"].default for one in get_args(get_args(Evidence)[0])}
    assert {piece.kind for piece in SnapshotBody.model_validate_json(KEPT).evidence()} == kinds
