"""Internal calls of the pages for agencies: notify mails a code to sign in with, triage says what was asked.

Nothing of an answer is kept here. A service that does not answer is said by False or None: the page says so in words.
"""

from __future__ import annotations

from http import HTTPStatus
from uuid import UUID

import structlog
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from shared.audit import Actor
from shared.internal_client import InternalClient

log = structlog.get_logger(__name__)


class NotifyClient(InternalClient):
    """Notify gives a mail server 5 s, and 1 s more to leave it."""

    SECONDS = 8

    async def send_code(self, email: str, code: str, minutes: int) -> bool:
        """Whether the mail was handed over; after False it may have arrived all the same."""
        asked = {"email": email, "code": code, "minutes": minutes}
        handed_over = HTTPStatus.NO_CONTENT
        answer = await self._ask("no code now", "POST", "/internal/sign-in-codes", also=handed_over, json=asked)
        return answer is not None


class Question(BaseModel):
    """What a member of staff asked the referrer; `is_open` until an answer has come or the work has ended."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    at: AwareDatetime
    words: str
    is_open: bool


class _Questions(BaseModel):
    items: tuple[Question, ...]


class TriageClient(InternalClient):
    """Triage writes each call into its audit trail, as a look by whoever acts."""

    async def questions(self, referral_id: UUID, by: Actor) -> list[Question] | None:
        """Those about one referral, oldest first; None when triage can't say now.

        None were asked about a referral that triage has not heard of yet, nor are any left of an erased one.
        """
        path, unknown = f"/internal/questions/{referral_id}", HTTPStatus.NOT_FOUND
        answer = await self._ask("no questions now", "GET", path, actor=by.id, also=unknown, params={"kind": by.kind})
        if answer is None or answer.status_code == unknown:
            return None if answer is None else []
        try:
            return list(_Questions.model_validate_json(answer.content).items)
        except ValidationError:
            log.warning("questions can't be read")
            return None
