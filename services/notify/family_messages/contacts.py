"""Calls to the referral service: where a message goes, asked when it is sent; and that somebody has answered a text."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from uuid import UUID

from pydantic import ValidationError

from shared.events import Channel, Model
from shared.internal_client import InternalClient


class Contact(Model):
    """Kept in memory for as long as one message is sent. `to` is empty for a letter; `stop_url` is there beside it."""

    channel: Channel
    to: str
    language: str | None = None
    address_lines: tuple[str, ...] = ()
    stop_url: str | None = None
    words: str = ""
    """A keyed digest, in hexadecimal, of what was said about safe contact."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The message may not go; `code` says why (docs/messages.md). `words`: as of a contact, where they are the why."""

    code: str
    words: str = ""


class ContactsClient(InternalClient):
    async def of(self, referral_id: UUID, message_id: UUID, *, released: str | None) -> Contact | Refused | None:
        """`released` are the words that a person has read, who let the message go.

        None when the referral service does not answer: it is asked again with the next try.
        """
        answer = await self._ask(
            "no contact now",
            "GET",
            f"/internal/contacts/{referral_id}",
            also=HTTPStatus.CONFLICT,
            params={"message": str(message_id)} | ({"released": released} if released else {}),
        )
        if answer is None:
            return None
        if answer.status_code == HTTPStatus.CONFLICT:
            said = answer.json()
            return Refused(str(said.get("code", "refused")), str(said.get("words", "")))
        try:
            return Contact.model_validate_json(answer.content)
        except ValidationError:
            return None

    async def replied(self, number: str, *, is_stop: bool) -> bool | None:
        """Whether the referral service knows whose number it is; None when it does not answer."""
        body = {"number": number, "is_stop": is_stop}
        answer = await self._ask("no stop now", "POST", "/internal/contacts/replied", json=body)
        return bool(answer.json()["is_known"]) if answer else None
