"""The service map: which service helps which families, where, at what age; who to name; and what is missing."""

from shared.service_map.gaps import Gap, GapKind, gaps
from shared.service_map.model import (
    PREGNANCY_MONTHS,
    SIGNPOSTS,
    SOON_DAYS,
    UNDER_TWO_MONTHS,
    Contact,
    ForWhom,
    Level,
    MappedService,
    ServiceMap,
)
from shared.service_map.reading import InvalidServiceMapError, load, load_all, of_authority, read

__all__ = [
    "PREGNANCY_MONTHS",
    "SIGNPOSTS",
    "SOON_DAYS",
    "UNDER_TWO_MONTHS",
    "Contact",
    "ForWhom",
    "Gap",
    "GapKind",
    "InvalidServiceMapError",
    "Level",
    "MappedService",
    "ServiceMap",
    "gaps",
    "load",
    "load_all",
    "of_authority",
    "read",
]
