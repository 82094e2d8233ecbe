"""Two referrals side by side, for whoever says whether they are of one family."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from services.triage.identity_access import LookReason, write_counted
from services.triage.pages import who
from services.triage.pages.room import Room
from services.triage.work_items.deciding import linked_as_duplicate
from services.triage.work_items.item import VIEWED, ItemDetails
from shared.access import Permission, Staff
from shared.audit import Actor, Entry

STEPS: Final = frozenset({"confirm-duplicate", "not-duplicate"})
MOST: Final = 3
"""Referrals of others that are shown beside this one."""


class Compared(NamedTuple):
    """`heads` are the references; each row is a heading, what each referral says, and whether they say the same."""

    heads: list[str]
    rows: list[tuple[str, list[str], bool]]


async def both(room: Room, told: ItemDetails, staff: Staff) -> Compared | None:
    """None for whoever does not hold the item. Each look is counted and written down."""
    if not staff.may(Permission.SEE_IDENTITY) or told.row.assignee != staff.id or told.row.ended_at:
        return None
    async with room.engine.begin() as tx:
        others = (await linked_as_duplicate(tx, told.referral_id))[:MOST]
        for each in (told.referral_id, *others):
            entry = Entry(Actor("staff", staff.id), VIEWED, room.now(), each, LookReason.ASSIGNED.value)
            await write_counted(tx, entry)
    found = await asyncio.gather(*(room.families.look(each, actor=staff.id) for each in (told.referral_id, *others)))
    references = {each["id"]: each["reference"] for each in told.item["links"]}
    heads = [told.item["reference"], *(references.get(str(each), "") for each in others)]
    return Compared(heads, list(_rows([each or {} for each in found])))


def _rows(found: list[Mapping[str, Any]]) -> Iterator[tuple[str, list[str], bool]]:
    """Every value that any of them has, in the order of the page of one referral."""
    sides = [_values(each) for each in found]
    for heading in dict.fromkeys(heading for side in sides for heading in side):
        said = [side.get(heading, "") for side in sides]
        yield heading, said, len(set(said)) == 1


def _values(found: Mapping[str, Any]) -> dict[str, str]:
    """`Baby: Name` → what this referral says; only who it is about and where they live."""
    return {
        f"{section.heading}: {name}": value for section in who.people_and_home(found) for name, value in section.rows
    }
