"""What every page of the reports works with, made once in app.py."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from services.metrics.desk.archive import Archive
from shared.pages import Pages


@dataclass(frozen=True, slots=True)
class Room:
    """Figures come from the `archive` alone; the `engine` is for what a manager takes along, and its trail."""

    engine: AsyncEngine
    archive: Archive
    pages: Pages
