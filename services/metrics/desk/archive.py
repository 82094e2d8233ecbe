"""All that is published, with what is needed to ask for it: the pages and the API share it, and so say the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from services.metrics.desk import asking
from services.metrics.desk.asking import Asked, Found
from services.metrics.desk.files import Files
from services.metrics.desk.library import Library
from services.metrics.reports.publishing import Waits
from services.metrics.reports.terms import Terms
from shared.policy import Policy
from shared.working_time import day_in_london


@dataclass(frozen=True, slots=True)
class Archive:
    """`terms` are those of reports, None when the policy has no contract; `now` is the wall clock in UTC.

    `waits` tells which reports are due and not published, when that was last looked at.
    """

    library: Library
    files: Files
    policy: Policy
    terms: Terms | None
    now: Callable[[], datetime]
    waits: Callable[[], Waits | None] = lambda: None

    @classmethod
    def of(
        cls,
        engine: AsyncEngine,
        policy: Policy,
        terms: Terms | None,
        now: Callable[[], datetime],
        waits: Callable[[], Waits | None] = lambda: None,
    ) -> Archive:
        library = Library(engine)
        return cls(library, Files(library), policy, terms, now, waits)

    @property
    def today(self) -> date:
        """London's."""
        return day_in_london(self.now())

    async def find(self, asked: Asked) -> Found:
        """The published report, or why there is none. Raises Problem 404 or 422."""
        return await asking.find(self.library, asked, terms=self.terms, today=self.today, waits=self.waits())
