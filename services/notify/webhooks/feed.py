"""Asks the referral service what has changed for agencies since their cursors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final, Literal
from uuid import UUID

import sqlalchemy as sa
import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.notify.webhooks.endpoints import ChangedReferral
from shared.internal_client import InternalClient

log = structlog.get_logger(__name__)

MOST_AGENCIES: Final = 500
"""In one question: the referral service refuses more (services/referral/webhooks/changes.py)."""


class _Item(BaseModel):
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    referral_id: UUID
    reference: Annotated[str, Field(max_length=20)]
    version: int
    type: Literal["referral.changed", "referral.question", "enquiry.changed"]


class AgencyChanges(BaseModel):
    """Of one agency, in the order of its feed; `next` is the cursor past them, `more` whether a page was full."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    agency_id: UUID
    items: tuple[_Item, ...]
    next: str
    more: bool

    @property
    def changes(self) -> list[ChangedReferral]:
        return [ChangedReferral(each.referral_id, each.reference, each.version, each.type) for each in self.items]


class _Changes(BaseModel):
    agencies: tuple[AgencyChanges, ...]


class FeedClient(InternalClient):
    """A read, by POST because the cursors of many agencies stand in its body."""

    async def changes(self, endpoints: Sequence[sa.Row[object]]) -> dict[UUID, AgencyChanges] | None:
        """By agency; None when the referral service can't say now."""
        found: dict[UUID, AgencyChanges] = {}
        for first in range(0, len(endpoints), MOST_AGENCIES):
            some = await self._changes(endpoints[first : first + MOST_AGENCIES])
            if some is None:
                return None
            found |= {each.agency_id: each for each in some}
        return found

    async def _changes(self, endpoints: Sequence[sa.Row[object]]) -> Sequence[AgencyChanges] | None:
        asked = {"agencies": [{"agency_id": str(each.agency_id), "since": each.cursor} for each in endpoints]}
        answer = await self._ask("no changes now", "POST", "/internal/changes", json=asked)
        if answer is None:
            return None
        try:
            return _Changes.model_validate_json(answer.content).agencies
        except ValidationError:
            log.warning("changes can't be read")
            return None
