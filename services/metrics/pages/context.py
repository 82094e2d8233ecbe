"""What every page of the reports works with, made once in app.py."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from services.metrics.reports.queries import PublishedReports
from shared.pages import Pages


@dataclass(frozen=True, slots=True)
class PageContext:
    """Figures come from the `reports` alone; the `engine` is for what a manager takes along, and its trail."""

    engine: AsyncEngine
    reports: PublishedReports
    pages: Pages
