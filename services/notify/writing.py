"""From rows to mails: the recipient, the words, the whole mail; one that can't be written holds up nobody."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol
from uuid import UUID

import structlog

from services.notify import collecting, mail, templates
from services.notify.content import Content
from services.notify.messages import message_id_header
from services.notify.senders import DeliveryResult
from shared.events import Audience, MessageKind
from shared.policy import Policy
from shared.service_map import ServiceMap
from shared.working_time import day_in_london

log = structlog.get_logger(__name__)

UNWRITABLE: Final = "unwritable"


def utc_now() -> datetime:
    return datetime.now(UTC)


class Writes(Protocol):
    """Makes what a sender takes of rows that are due; what can't be written is in `outcomes`."""

    def write(self, due: Sequence[Any], outcomes: dict[UUID, DeliveryResult]) -> Sequence[Any]:
        """Those with somewhere to go, in their order; each has the `id` of its row."""

    def recipient(self, row: Any) -> str | None:
        """Where what was collected goes; None for nowhere now."""

    def together(self, collected: Sequence[Any], recipient: str, outcomes: dict[UUID, DeliveryResult]) -> Any:
        """All that was collected as one."""


@dataclass(frozen=True, slots=True)
class Writer:
    """`mail_from` stands in the header From; `envelope_from` is the bare address where mail comes back to.

    `refer_at` is the page where people of an agency sign in.
    """

    policy: Policy
    service_map: ServiceMap
    mail_from: str
    envelope_from: str
    refer_at: str = ""
    now: Callable[[], datetime] = utc_now

    def write(self, due: Sequence[Any], outcomes: dict[UUID, DeliveryResult]) -> list[mail.Mail]:
        """The mails of those with a recipient; one that can't be written holds up nobody: it is in `outcomes`."""
        mails = []
        for row in due:
            if recipient := self.recipient(row):
                try:
                    mails.append(self._mail(row, recipient))
                except Exception:  # whatever it is, the other messages have to go
                    log.exception("unwritable", message=str(row["id"]), kind=row["kind"])
                    outcomes[row["id"]] = DeliveryResult(UNWRITABLE)
        return mails

    def together(
        self, collected: Sequence[Any], recipient: str, outcomes: dict[UUID, DeliveryResult]
    ) -> mail.Mail | None:
        """The mail of a day; a message whose line can't be written is in `outcomes`."""
        lines, written = [], []
        for row in collected:
            try:
                lines.append(collecting.line(**self._said(row), is_overtaken=row["is_overtaken"]))
                written.append(row)
            except Exception:  # as in `write`
                log.exception("unwritable", message=str(row["id"]), kind=row["kind"])
                outcomes[row["id"]] = DeliveryResult(UNWRITABLE)
        if not lines:
            return None
        subject, body = collecting.words(lines)
        first = written[0]
        id_ = collecting.id_of(first["agency_id"], first["collected_on"], first["id"])
        header = message_id_header(id_, self.envelope_from.rpartition("@")[2])
        whole = mail.write(
            sender=self.mail_from, recipient=recipient, message_id=header, at=first["created_at"], reference=None,
            kind=collecting.KIND, subject=subject, body=body,
        )  # fmt: skip
        return mail.Mail(id_, self.envelope_from, recipient, whole)

    def recipient(self, row: Any) -> str | None:
        """The team's inbox or the on-call contact's; None when there is nowhere to send it now."""
        address = self.policy.on_call.email if row["audience"] == Audience.ON_CALL else row["team_inbox"]
        return address if address and mail.is_address(address) else None

    def _mail(self, row: Any, recipient: str) -> mail.Mail:
        subject, body = templates.words(**self._said(row))
        whole = mail.write(
            sender=self.mail_from,
            recipient=recipient,
            message_id=row["message_id_header"],
            at=row["created_at"],
            reference=row["reference"],
            kind=row["kind"],
            subject=subject,
            body=body,
        )
        return mail.Mail(row["id"], self.envelope_from, recipient, whole)

    def _said(self, row: Any) -> dict[str, Any]:
        """What the words of a message are made from."""
        return {
            "kind": MessageKind(row["kind"]),
            "reference": row["reference"],
            "content": Content.model_validate_json(row["content"]),
            "council": templates.Council(
                self.policy, self.service_map, on=day_in_london(self.now()), refer_at=self.refer_at
            ),
        }
