"""What every page of the reports works with, made once in app.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.metrics.archive import Archive
from services.metrics.spans import Span
from shared.pages import Pages


class Coded(Protocol):
    """What makes the coded export."""

    async def __call__(self, tx: AsyncConnection, span: Span) -> bytes:
        """The rows of a month as CSV."""


@dataclass(frozen=True, slots=True)
class Room:
    """Figures come from the `archive` alone; the `engine` is for what a manager takes along, and its trail.

    Without `coded` there is no page for it.
    """

    engine: AsyncEngine
    archive: Archive
    pages: Pages
    coded: Coded | None = None
