"""Which versions run, by build information."""

from collections.abc import Mapping, Sequence

from shared.context.conventions.expressions import BINDING, labelled
from shared.context.conventions.rows import SERVICE_LABELS
from shared.context.promql import one_of

VERSION_LABEL = "version"
_OTHERS_BUILD_INFO = "(prometheus|alertmanager|go)_build_info"


def build_versions(services: Sequence[str]) -> str:
    """Which versions of these services run, by their `*_build_info`; the value is constant, the labels change."""
    return " or ".join(_versions(label, services) for label in SERVICE_LABELS)


def _versions(label: str, services: Sequence[str]) -> str:
    # Client libraries add build information of their own, whose version is not the service's.
    matchers = (
        f'__name__=~".+_build_info",__name__!~"{_OTHERS_BUILD_INFO}",{VERSION_LABEL}!="",{one_of(label, services)}'
    )
    return labelled(f"count by (__name__, {label}, {VERSION_LABEL}) ({{{matchers}}})", BINDING, label)


def build_service_of(labels: Mapping[str, str]) -> tuple[int, str]:
    """Of an answer to `build_versions`: the place of its label among SERVICE_LABELS, and the service."""
    label = labels.get(BINDING, "")
    return (SERVICE_LABELS.index(label) if label in SERVICE_LABELS else len(SERVICE_LABELS)), labels.get(label, "")
