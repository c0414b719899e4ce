"""Every port in memory, with the promises of the real ones: for tests, and to read what a port means."""

from shared.adapters.memory.archive import MemoryArchive, MemoryBlobArchive
from shared.adapters.memory.audit import FixedSealing, MemoryAuditTrail
from shared.adapters.memory.claims import MemoryClaims
from shared.adapters.memory.conventions import MemoryConventions
from shared.adapters.memory.documents import MemoryDocuments
from shared.adapters.memory.labels import MemoryLabels
from shared.adapters.memory.records import MemoryRecords
from shared.adapters.memory.schedule import MemorySchedule
from shared.adapters.memory.services import NoAlertSources, NoMetrics, services_in_memory
from shared.adapters.memory.sessions import MemorySessions
from shared.adapters.memory.sources import (
    MemoryAnnotations,
    MemoryDeployments,
    MemorySilencing,
    ScriptedAnnotations,
    ScriptedDeployments,
    ScriptedSilencing,
)
from shared.adapters.memory.stores import (
    MemoryDeadLetters,
    MemoryDirectory,
    MemoryIncidentList,
    MemoryIncidents,
    MemoryLookups,
    MemoryReceipts,
)
from shared.adapters.memory.surroundings import MemoryChanges, MemorySurroundings
from shared.adapters.memory.transport import MemoryBodies, MemoryQueues

__all__ = [
    "FixedSealing",
    "MemoryAnnotations",
    "MemoryArchive",
    "MemoryAuditTrail",
    "MemoryBlobArchive",
    "MemoryBodies",
    "MemoryChanges",
    "MemoryClaims",
    "MemoryConventions",
    "MemoryDeadLetters",
    "MemoryDeployments",
    "MemoryDirectory",
    "MemoryDocuments",
    "MemoryIncidentList",
    "MemoryIncidents",
    "MemoryLabels",
    "MemoryLookups",
    "MemoryQueues",
    "MemoryReceipts",
    "MemoryRecords",
    "MemorySchedule",
    "MemorySessions",
    "MemorySilencing",
    "MemorySurroundings",
    "NoAlertSources",
    "NoMetrics",
    "ScriptedAnnotations",
    "ScriptedDeployments",
    "ScriptedSilencing",
    "services_in_memory",
]
