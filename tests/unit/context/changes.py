"""Builders of what tells of changes."""

from datetime import datetime, timedelta
from typing import Any

from shared.models.base import TenantId
from shared.models.changes import Change, ChangeKind, ChangeStatus, ReportedChange
from shared.ports.annotations import Annotation
from shared.ports.deployments import Commit, Comparison, Deployment, Direction, Release
from tests.builders import ACME, NOON

SHA, OLD_SHA = "a1b2c3d4e5f6a7b8c9d0a1b2c3d4e5f6a7b8c9d0", "00112233445566778899aabbccddeeff00112233"


def at(minutes: float) -> datetime:
    """So many minutes after noon."""
    return NOON + timedelta(minutes=minutes)


def a_report(when: float = -5, name: str = "1", *, tenant_id: TenantId = ACME, **reported: Any) -> Change:
    """A deploy of payment that was reported, `when` minutes after noon."""
    fields: dict[str, Any] = {
        "source": "ci", "external_id": name, "kind": ChangeKind.DEPLOY, "status": ChangeStatus.SUCCEEDED,
        "service_name": "payment", "title": "payment goes out", "author": "erin", "at": at(when), "said_at": at(when),
    }  # fmt: skip
    told = ReportedChange(**{**fields, **reported})
    return Change(
        id=told.change_id, tenant_id=tenant_id, service_name=told.service_name, at=told.at, reported=told,
        receipt_id="rcp-1", created_at=NOON,
    )  # fmt: skip


def a_deployment(when: float = -5, **changes: Any) -> Deployment:
    """One of payment to production."""
    fields: dict[str, Any] = {
        "repository": "acme/payment", "deployment_id": "7", "services": ("payment",),
        "status": ChangeStatus.SUCCEEDED, "at": at(when), "environment": "production", "is_production": True,
        "ref": "main", "sha": SHA, "title": "ship it", "author": "alice", "url": "https://github.test/run/7",
    }  # fmt: skip
    return Deployment(**{**fields, **changes})


def a_release(when: float = -30, tag: str = "v1.5.0") -> Release:
    """Of payment's code."""
    return Release(
        "acme/payment", tag, at(when), "the spring release", "carol", "https://github.test/releases/v1.5.0"
    )


def a_comparison(direction: Direction = Direction.FORWARD, *, commits: int = 2) -> Comparison:
    """From the old revision to the new one."""
    found = tuple(
        Commit(f"{n:07x}{'0' * 33}", f"fix {n}", author="bob", url=f"https://github.test/{n}") for n in range(commits)
    )
    return Comparison(
        "acme/payment", "production", OLD_SHA, SHA, direction, found, commits, url="https://github.test/compare"
    )


def a_note(when: float = -5, text: str = "", *tags: str, **changes: Any) -> Annotation:
    """An annotation."""
    return Annotation("12", at(when), text, tags=tags, author="dora", **changes)
