"""The invented team: colleagues of the worker and the lead who sign in, so that lists and the team page have names."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from random import Random
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from deploy.demo.ways import LEAD, Move, Way
from services.triage.team import keep_colleague
from shared.access import Role, Staff

COLLEAGUES: Final = {
    "dev-mina-osei": "Mina Osei",
    "dev-carys-bevan": "Carys Bevan",
    "dev-jo-ferreira": "Jo Ferreira",
    "dev-amir-haddad": "Amir Haddad",
}
LEFT_WITH: Final = {"claim", "contact-attempt", "note", "accept", "first-contact"}
"""After these steps somebody goes on with the work."""


async def introduce(tx: AsyncConnection, staff: Mapping[str, Mapping[str, str]], *, at: datetime) -> None:
    """Keep everybody's name; `staff` is that part of the development credentials, by role."""
    invented = [Staff(who, name, Role.WORKER) for who, name in COLLEAGUES.items()]
    signing_in = [Staff(staff[role]["id"], staff[role]["name"], role) for role in (Role.WORKER, Role.LEAD)]
    for person in [*invented, *signing_in]:
        await keep_colleague(tx, person, at=at)


def shared_out(way: Way, *, chance: Random) -> Way:
    """The way, and at its end the lead gives most of the work that goes on to a colleague."""
    if not way or way[-1].step not in LEFT_WITH or way[-1].who == LEAD or chance.random() > len(COLLEAGUES) / 5:
        return way
    return (*way, Move("assign", {"to": chance.choice(sorted(COLLEAGUES))}, LEAD))
