"""A message taken in: read, checked, and given to the same steps as every other referral, once per request and message.

A new referral goes the way of `POST /referrals`, an update that of PATCH, a withdrawal that of `.../withdrawal`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.referral import steps
from services.referral.agencies import Agency, AgencyActor
from services.referral.document.checks import conflicts
from services.referral.document.errors import Invalid
from services.referral.document.model import ReferralDocument
from services.referral.document.read import read, read_referral
from services.referral.facts import ring_now
from services.referral.fhir.checks import FhirRequest, Intent, asked_by, sender_of
from services.referral.fhir.envelope import Envelope, opened
from services.referral.fhir.issues import Issue, of_document
from services.referral.fhir.names import REFERENCE
from services.referral.fhir.reading import Reading, read_bundle
from services.referral.reference import parse
from services.referral.status import Step
from services.referral.submitting import amend, idempotency
from services.referral.submitting.idempotency import Answer, RequestKey, request_key
from services.referral.submitting.prepare import Arrival, AsSent, Preparing
from services.referral.submitting.submit import IS_DUPLICATE, MESSAGE_TAKEN
from shared.database import sql
from shared.errors import failure_name
from shared.problems import Problem, of_failure
from shared.strict_json import canonical
from shared.working_time import day_in_london

log = structlog.get_logger(__name__)

CALL: Final = "POST /fhir/$process-message"
NO_ODS_CODE: Final = "Your agency has no ODS code here, so that no message can be taken. Tell us which it is"
OTHER_SENDER: Final = "The sender of the message is another organisation than the one whose key this is"


class Refused(Exception):  # noqa: N818  it is an answer rather than a failure
    """The message is not taken: the problem, and every mistake in it."""

    def __init__(self, problem: Problem, issues: tuple[Issue, ...] = ()) -> None:
        super().__init__(problem.name)
        self.problem, self.issues = problem, issues


@dataclass(frozen=True, slots=True)
class Taken:
    """What the intake answered, to which message, and as what the answer goes out."""

    envelope: Envelope
    answer: Answer
    reason: str


@dataclass(frozen=True, slots=True)
class Message:
    """What was sent, read as far as it can be."""

    envelope: Envelope
    asked: FhirRequest
    reading: Reading


def read_message(value: object, *, now: datetime) -> Message:
    """Take it apart; never raises."""
    envelope = opened(value)
    asked = asked_by(envelope)
    reading = read_bundle(
        envelope, request=asked.request, today=day_in_london(now), is_update=asked.intent is Intent.UPDATE
    )
    unread = tuple(sorted({*envelope.unread, *reading.unread}))
    return Message(replace(envelope, unread=unread), asked, reading)


@dataclass(frozen=True, slots=True)
class Intake:
    """Where messages go; `submit` stores new referrals in groups."""

    engine: AsyncEngine
    preparing: Preparing
    submit: Callable[[Arrival], Awaitable[Answer | Problem]]

    async def take(self, value: object, *, by: AgencyActor, request_id: str) -> Taken:
        """Do what the message asks. Raises Refused, with whom to ring when it tells of a danger."""
        message = read_message(value, now=by.at)
        with self._telling_whom_to_ring(message):
            intent = self._accepted(message, by)
            sent = self._as_sent(message.envelope, value, by.agency, request_id)
            answer = await self._taken(message, intent, sent, by)
        return Taken(message.envelope, answer, "new" if intent is Intent.NEW else "update")

    @contextmanager
    def _telling_whom_to_ring(self, message: Message) -> Iterator[None]:
        """A family in danger is in danger whatever we answer."""
        try:
            yield
        except Exception as error:
            issues: tuple[Issue, ...] = ()
            if isinstance(error, Refused):
                problem, issues = error.problem, error.issues
            elif isinstance(error, Invalid):
                problem, issues = Problem("invalid"), tuple(of_document(error.errors, message.reading.places))
            elif isinstance(error, Problem):
                problem = error
            elif message.reading.is_urgent:
                problem = of_failure(error)
                log.warning("request failed", answer=problem.name, cause=failure_name(error))
            else:
                raise
            if message.reading.is_urgent:
                problem.extra["act_now"] = ring_now(self.preparing.policy)
            raise Refused(problem, issues) from error

    def _accepted(self, message: Message, by: AgencyActor) -> Intent:
        """What it asks. Raises Refused: 400 for what is no message, 403 for another sender, 422 for other mistakes."""
        envelope, asked = message.envelope, message.asked
        if envelope.malformed:
            raise Refused(Problem("unreadable"), envelope.malformed)
        sender, about_sender = sender_of(envelope)
        if by.agency.ods_code is None:
            raise Refused(Problem("forbidden", NO_ODS_CODE))
        if sender is not None and sender != by.agency.ods_code:
            raise Refused(Problem("forbidden", OTHER_SENDER))
        issues = [*envelope.issues, *asked.issues, *about_sender]
        if asked.request and asked.intent is not Intent.WITHDRAW:
            issues += self._about_content(message, by.at, is_refused=bool(issues))
        if issues or asked.intent is None:
            raise Refused(Problem("invalid"), tuple(issues))
        return asked.intent

    def _about_content(self, message: Message, now: datetime, *, is_refused: bool) -> list[Issue]:
        """Mistakes of the reading, and beside them those that the document's own checks find.

        Those alone are found later, by the step itself. In a danger a thing that is missing is no mistake.
        """
        reading = message.reading
        found = [issue for issue in reading.issues if not (reading.is_urgent and issue.problem == "required")]
        if not (found or is_refused):
            return []
        try:
            if message.asked.intent is Intent.UPDATE:
                change = {name: each for name, each in reading.told.items() if each is not None}
                read(ReferralDocument, change, now=now, look=conflicts)
            else:
                read_referral(reading.document, now=now)
        except Invalid as invalid:
            found += of_document(invalid.errors, reading.places)
        return found

    def _as_sent(self, envelope: Envelope, value: object, agency: Agency, request_id: str) -> AsSent:
        identities = self.preparing.identities
        return AsSent(
            request_key(identities, agency.id, request_id, CALL, canonical(value)),
            request_key(identities, agency.id, f"message {envelope.id}", CALL, b""),  # a blank: no key of a request
        )

    async def _taken(self, message: Message, intent: Intent, sent: AsSent, by: AgencyActor) -> Answer:
        if intent is Intent.NEW:
            document = {"external_reference": message.envelope.id} | message.reading.document
            answer = await self.submit(self.preparing.arrival(document, by=by, sent=sent))
            if isinstance(answer, Problem):
                raise answer
            return answer
        step = self._update if intent is Intent.UPDATE else self._withdraw
        return await idempotency.once(
            self.engine, sent.request, at=by.at, work=lambda tx: self._once(tx, message, sent.message, by, step)
        )

    async def _once(
        self,
        tx: AsyncConnection,
        message: Message,
        name: RequestKey,
        by: AgencyActor,
        step: Callable[[AsyncConnection, str, Message, AgencyActor], Awaitable[Answer]],
    ) -> Answer:
        """Take the step on the referral that is meant, unless the message came before."""
        await idempotency.lock(tx, name.locks)
        if await idempotency.known(tx, [name]):
            raise Problem("conflict", MESSAGE_TAKEN, extra=IS_DUPLICATE)
        answer = await step(tx, await self._meant(tx, message, by.agency), message, by)
        answer = replace(answer, body=answer.body | {"at": by.at.isoformat(timespec="milliseconds")})
        await idempotency.keep(tx, [(name, answer)], at=by.at)
        return answer

    async def _update(self, tx: AsyncConnection, reference: str, message: Message, by: AgencyActor) -> Answer:
        stored = await amend.open_for(tx, self.preparing, reference, by, Step.AMEND)
        return await steps.patch(tx, self.preparing, reference, message.reading.change_of(stored.document), by)

    async def _withdraw(self, tx: AsyncConnection, reference: str, message: Message, by: AgencyActor) -> Answer:
        return await steps.withdraw(tx, self.preparing, reference, {"reason": message.asked.withdrawn_because}, by)

    async def _meant(self, tx: AsyncConnection, message: Message, agency: Agency) -> str:
        """The reference of the agency's own referral that the ServiceRequest identifies; raises Problem 404.

        By our reference, else by the agency's, which is the id of the first Bundle when it gave none.
        """
        request = message.asked.request
        identifiers = [each for each in (request.resource.identifier if request else ()) if each.value]
        for each in identifiers:
            if each.system == REFERENCE and (reference := parse(each.value or "")):
                return reference
        if found := await self._by_external(tx, [each.value or "" for each in identifiers], agency):
            return found
        raise Problem("not-found", "No referral of yours has an identifier of this ServiceRequest")

    async def _by_external(self, tx: AsyncConnection, externals: Iterable[str], agency: Agency) -> str | None:
        """The reference of the first that is known."""
        of_agency = self.preparing.identities.external_digests
        digests = [digest for external in externals for digest in of_agency(agency.id, external)]
        found: str | None = await tx.scalar(
            sql("""
                SELECT reference FROM referral
                WHERE agency_id = :agency AND external_digest = ANY(CAST(:digests AS bytea[]))
                ORDER BY array_position(CAST(:digests AS bytea[]), external_digest) LIMIT 1
            """),
            {"agency": agency.id, "digests": digests},
        )
        return found
