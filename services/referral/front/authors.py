"""Whose referral it is among the people of its agency, who may open it, and what changed since its author looked.

The author of a referral or enquiry opens it. A keeper of the same agency who is not the author sees that it is there
and where it stands, and may take it over. For anybody else it is not there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.referral import facts as coded
from services.referral import views
from services.referral.front.visits import MemberVisit
from services.referral.identity import Sealed
from services.referral.reference import parse
from services.referral.status import STEPS, Status, Step
from shared import audit
from shared.database import sql
from shared.events import LOSSES, Facts, Kind
from shared.policy import Policy
from shared.problems import Problem

VIEWED: Final = "member.viewed"
COPIED: Final = "member.copied"
TOOK_OVER: Final = "member.took-over"

_OF_AGENCY: Final = sql("""
    SELECT r.id, r.reference, r.kind, r.version, r.changed_in, r.challenged_at,
        a.member_id, r.facts->'circumstances' AS circumstances
    FROM referral r LEFT JOIN author a ON a.referral_id = r.id
    WHERE r.reference = :reference AND r.agency_id = :agency
""")


@dataclass(frozen=True, slots=True)
class AgencyReferral:
    """A referral or enquiry of the visitor's agency, without what was sent. `shown` is what the API shows of it."""

    id: UUID
    reference: str
    kind: Kind
    version: int
    changed_in: int
    is_author: bool
    has_challenged: bool
    has_loss: bool
    """A baby died, or the pregnancy ended."""
    shown: Mapping[str, Any]

    @property
    def status(self) -> Status:
        return Status(self.shown["status"])

    @property
    def is_enquiry(self) -> bool:
        return self.kind is not Kind.FAMILY

    def may(self, step: Step) -> bool:
        """Whether the step is one of those from here: an enquiry is answered in words, a decline challenged once."""
        is_refused = (step is Step.AMEND and self.is_enquiry) or (step is Step.CHALLENGE and self.has_challenged)
        return step in STEPS[self.status] and not is_refused


@dataclass(frozen=True, slots=True)
class Contents:
    """What was sent, as JSON, and what was told since (`{"at", "notes"}`, the first first)."""

    document: dict[str, Any]
    answers: Sequence[Mapping[str, str]]


async def keep(tx: AsyncConnection, referral_id: UUID, member_id: UUID) -> bool:
    """Whether it had no author yet: repeatable, and the first author stays."""
    kept = await tx.execute(
        sql("""
            INSERT INTO author (referral_id, member_id, looked_in)
            SELECT id, :member, changed_in FROM referral WHERE id = :id
            ON CONFLICT (referral_id) DO NOTHING
        """),
        {"id": referral_id, "member": member_id},
    )
    return bool(kept.rowcount)


async def as_it_stands(tx: AsyncConnection, reference: str, policy: Policy) -> dict[str, Any]:
    """Whom to ring now (`act_now`) and the `gaps` of a referral that the caller knows to be the visitor's."""
    stands = sql("SELECT facts, gaps FROM referral WHERE reference = :reference")
    found = await tx.execute(stands, {"reference": reference})
    row = found.one()
    act_now = coded.act_now(Facts.model_validate(row.facts), policy) if row.facts else []
    return {"act_now": act_now, "gaps": row.gaps}


async def find(tx: AsyncConnection, visit: MemberVisit, reference: str) -> AgencyReferral:
    """For its author and the keepers of the agency. Raises Problem 404 for everybody else, 410 when it is erased."""
    asked = {"reference": parse(reference), "agency": visit.member.agency.id}
    row = (await tx.execute(_OF_AGENCY, asked)).one_or_none() if asked["reference"] else None
    is_author = row is not None and row.member_id == visit.member.id
    if row is None or not (is_author or visit.member.is_keeper):
        raise Problem("not-found")
    shown = await views.one(
        tx,
        visit.identities,
        agency_id=visit.member.agency.id,
        reference=row.reference,
        service_map=visit.context.service_map,
        on=visit.today,
    )
    return AgencyReferral(
        row.id,
        row.reference,
        Kind(row.kind),
        row.version,
        row.changed_in,
        is_author=is_author,
        has_challenged=row.challenged_at is not None,
        has_loss=not LOSSES.isdisjoint(row.circumstances or ()),
        shown=shown,
    )


async def own(tx: AsyncConnection, visit: MemberVisit, reference: str) -> AgencyReferral:
    """For its author alone; raises Problem 404 for everybody else, a keeper too."""
    sent = await find(tx, visit, reference)
    if not sent.is_author:
        raise Problem("not-found")
    return sent


async def opened(tx: AsyncConnection, visit: MemberVisit, sent: AgencyReferral, *, action: str = VIEWED) -> Contents:
    """What the author sent: each time a line of the audit trail, in the caller's transaction."""
    row = (await tx.execute(sql("SELECT wrapped_key, identity FROM referral WHERE id = :id"), {"id": sent.id})).one()
    if row.wrapped_key is None:
        raise Problem("not-found")
    await audit.write(tx, [visit.by.entry(action, sent.id)])
    known = visit.identities.unseal(sent.id, Sealed(row.wrapped_key, row.identity))
    return Contents(known["document"], known["answers"])


async def look(tx: AsyncConnection, sent: AgencyReferral) -> None:
    """The author has seen what `sent` says; what changes from now on is new."""
    await tx.execute(
        sql("UPDATE author SET looked_in = :seen WHERE referral_id = :id AND looked_in <> :seen"),
        {"id": sent.id, "seen": sent.changed_in},
    )


async def take_over(tx: AsyncConnection, visit: MemberVisit, sent: AgencyReferral) -> None:
    """The visitor, a keeper, is its author from now on. Raises Problem 410 for an erased one."""
    if sent.is_author:
        return
    taken = await tx.execute(
        sql("""
            INSERT INTO author (referral_id, member_id, looked_in)
            SELECT id, :member, 0 FROM referral WHERE id = :id AND wrapped_key IS NOT NULL FOR UPDATE
            ON CONFLICT (referral_id) DO UPDATE SET member_id = :member, looked_in = 0
        """),
        {"id": sent.id, "member": visit.member.id},
    )
    if not taken.rowcount:
        raise Problem("erased")
    await audit.write(tx, [visit.by.entry(TOOK_OVER, sent.id)])
