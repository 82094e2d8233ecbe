"""How referrals of one family become linked, change and part, through the intake and what triage says."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from services.referral.erasing import erase
from services.referral.families import links
from services.referral.handlers import handlers
from shared.audit import Actor
from shared.events import (
    ClosureReason,
    Event,
    FamilyJudged,
    Kind,
    ReferralMonitored,
    WorkItemClosed,
    WorkItemOpened,
)
from tests.builders import a_policy
from tests.families import a_referral
from tests.integration.conftest import Behind
from tests.integration.support import an_event, count, fetch

DAY = datetime.now(UTC).date()
MOTHER = {"relationship": "mother", "given_name": "Sana", "family_name": "Okafor"}
UNBORN = {"due_on": (DAY + timedelta(days=4)).isoformat()}
ROBIN = {"given_name": "Robin", "family_name": "Okafor", "date_of_birth": (DAY - timedelta(days=3)).isoformat()}


class Family:
    """Referrals of one family from several agencies."""

    def __init__(self, intake: Behind) -> None:
        self.intake = intake
        self.robin = ROBIN | {"nhs_number": number_of(uuid4().int)}

    async def send(self, baby: dict[str, Any] | None = None, slug: str = "health-visiting", **more: Any) -> str:
        body = a_referral() | {"babies": [baby or self.robin], "caregivers": [MOTHER], **more}
        body["external_reference"] = uuid4().hex
        answer = await self.intake.send(body, slug=slug)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["reference"])

    async def call(self, method: str, path: str, body: Any, slug: str = "health-visiting") -> dict[str, Any]:
        headers = {"Idempotency-Key": uuid4().hex, "Authorization": f"Bearer {self.intake.key(slug)}"}
        answer = await self.intake.http.request(method, f"/referrals/{path}", json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def row(self, reference: str) -> sa.Row[Any]:
        [row] = await fetch(self.intake.engine, f"SELECT * FROM referral WHERE reference = '{reference}'")
        return row

    async def links(self, reference: str) -> list[str]:
        links: list[str] = (await self.row(reference)).facts["links"]
        return links

    async def told(self, reference: str, slug: str = "health-visiting") -> list[str]:
        found: list[str] = (await self.intake.look(f"/referrals/{reference}", slug=slug)).json()["links"]
        return found

    async def last_event(self, reference: str) -> dict[str, Any]:
        row = await self.row(reference)
        rows = await fetch(
            self.intake.engine,
            f"SELECT value FROM event WHERE key = '{row.id}' AND type <> '{ReferralMonitored.type}' "
            "ORDER BY sequence DESC LIMIT 1",
        )
        value: dict[str, Any] = json.loads(rows[0].value)
        return value

    async def hears(self, reference: str, event: type[Event], after: int, **data: Any) -> None:
        row = await self.row(reference)
        about = {"reference": reference, "agency_id": row.agency_id, "about": Kind.FAMILY}
        at = datetime.now(UTC) + timedelta(seconds=after)
        told = an_event(row.id, after, data=event.model_validate(about | data), at=at)
        async with self.intake.engine.begin() as tx:
            await handlers(a_policy())[event]([told], tx)

    async def judged(self, reference: str, other: str, is_same: bool | None, after: int = 1) -> None:
        await self.hears(reference, FamilyJudged, after, others=((await self.row(other)).id,), is_same=is_same)


def number_of(seed: int) -> str:
    """A valid NHS number, so that tests that share a database share nobody."""
    while True:
        digits = f"4{seed % 10**8:08d}"
        check = 11 - sum(int(digit) * weight for digit, weight in zip(digits, range(10, 1, -1), strict=True)) % 11
        if check != 10:
            return digits + str(check % 11)
        seed += 1


@pytest.fixture
def family(intake: Behind) -> Family:
    return Family(intake)


async def test_the_later_one_asks_and_the_earlier_one_is_left_alone(family: Family) -> None:
    first = await family.send()
    before = await family.row(first)
    second = await family.send(slug="nursery")
    assert (await family.links(first), await family.links(second)) == ([], ["duplicate"])
    assert await family.row(first) == before
    assert await count(family.intake.engine, "event WHERE type = 'referral.amended.v1'") == 0
    await family.call("PATCH", first, {"risk_factors": ["isolation", "low_mood"]})
    assert await family.links(first) == []
    assert await family.told(first) == await family.told(second, "nursery") == []
    assert (await family.row(first)).family_id == (await family.row(second)).family_id


async def test_a_number_that_is_nobodys_links_nobody(family: Family) -> None:
    one = {"given_name": "Robin", "family_name": "Okafor", "nhs_number": "1234567890"}
    other = {"given_name": "Lena", "family_name": "Nowak", "nhs_number": "1234567890"}
    first, second = await family.send(one), await family.send(other, slug="nursery")
    assert await family.links(first) == await family.links(second) == []
    assert await count(family.intake.engine, "kin") == 0


async def test_a_number_that_comes_with_an_amendment_links_both_and_goes_with_another(family: Family) -> None:
    first = await family.send(UNBORN)
    second = await family.send(slug="nursery")
    assert await family.links(second) == []
    answer = await family.call("PATCH", first, {"babies": [family.robin]})
    assert answer["links"] == []
    assert await family.links(first) == await family.links(second) == ["duplicate"]
    assert [(await family.row(each)).version for each in (first, second)] == [2, 2]
    assert (await family.row(first)).family_id == (await family.row(second)).family_id
    await family.call("PATCH", first, {"babies": [UNBORN]})
    assert await family.links(first) == await family.links(second) == []
    assert [(await family.row(each)).version for each in (first, second)] == [3, 3]
    assert (await family.row(first)).family_id != (await family.row(second)).family_id
    assert (await family.last_event(second))["linked"] == []
    assert await count(family.intake.engine, "kin") == 0


async def test_amending_back_and_forth_ends_where_it_began(family: Family) -> None:
    first, second = await family.send(), await family.send(slug="nursery")
    rows = [(await family.row(each)).facts for each in (first, second)]
    for babies in ([UNBORN], [family.robin]):
        await family.call("PATCH", second, {"babies": babies}, "nursery")
    assert [(await family.row(each)).facts for each in (first, second)] == rows
    assert await count(family.intake.engine, "kin") == 2


SLUGS = ("health-visiting", "nursery", "midwifery")


class Three:
    """Referrals of a baby, of the same one before it was named, and of a sibling, each from an agency of its own."""

    def __init__(self, family: Family) -> None:
        self.family = family
        self.mother = MOTHER | {"date_of_birth": "1996-02-11", "nhs_number": number_of(uuid4().int)}
        sibling = ROBIN | {"date_of_birth": "2024-06-13", "nhs_number": number_of(uuid4().int)}
        self.babies: dict[str, dict[str, Any]] = dict(zip(SLUGS, (family.robin, UNBORN, sibling), strict=True))
        self.references: dict[str, str] = {}

    async def arrive(self, slugs: Sequence[str]) -> None:
        for slug in slugs:
            self.references[slug] = await self.family.send(self.babies[slug], slug, caregivers=[self.mother])

    async def amend(self, slug: str, **members: Any) -> None:
        await self.family.call("PATCH", self.references[slug], members, slug)

    async def kin(self) -> set[tuple[str, str, str]]:
        """Who is linked to whom, and how."""
        slugs = {(await self.family.row(reference)).id: slug for slug, reference in self.references.items()}
        rows = await fetch(self.family.intake.engine, "SELECT referral_id, other_id, link FROM kin")
        return {(slugs[row.referral_id], slugs[row.other_id], row.link) for row in rows if row.referral_id in slugs}

    async def families(self) -> set[frozenset[str]]:
        """Who is in one family."""
        found: dict[UUID, set[str]] = {}
        for slug, reference in self.references.items():
            found.setdefault((await self.family.row(reference)).family_id, set()).add(slug)
        return {frozenset(each) for each in found.values()}


async def test_who_is_linked_to_whom_does_not_depend_on_the_order_of_arrival(family: Family) -> None:
    found = []
    for order in permutations(SLUGS):
        three = Three(Family(family.intake))
        await three.arrive(order)
        found.append((await three.kin(), await three.families()))
    assert found == [found[0]] * 6
    kin, families = found[0]
    assert kin == {(other, one, link) for one, other, link in kin}
    assert len(kin) == 6
    assert families == {frozenset(SLUGS)}


@pytest.mark.parametrize("seed", range(3))
async def test_amending_to_and_fro_at_random_ends_where_it_began(family: Family, seed: int) -> None:
    chance, three = random.Random(seed), Three(family)
    await three.arrive(SLUGS)
    began = (await three.kin(), await three.families())
    others = [three.babies["midwifery"], {"given_name": "Lena", "family_name": "Nowak"}, family.robin, UNBORN]
    been = []
    for _ in range(12):
        slug = chance.choice(SLUGS)
        mother = chance.choice([three.mother, MOTHER])
        await three.amend(slug, babies=[chance.choice(others)], caregivers=[mother])
        been.append(await three.kin())
    assert any(kin != began[0] for kin in been)
    for slug in chance.sample(SLUGS, len(SLUGS)):
        await three.amend(slug, babies=[three.babies[slug]], caregivers=[three.mother])
    assert (await three.kin(), await three.families()) == began


async def test_a_withdrawal_takes_the_question_away(family: Family) -> None:
    first, second = await family.send(), await family.send(slug="nursery")
    await family.call("POST", f"{first}/withdrawal", {"reason": "other"})
    assert await family.links(second) == []
    assert (await family.row(second)).version == 2


async def test_an_end_and_a_return_change_what_the_other_says(family: Family) -> None:
    first, second = await family.send(), await family.send(slug="nursery")
    item = {"work_item_id": uuid4(), "route": "pir_short"}
    opened = {**item, "tier": None, "urgency": "routine", "due_at": datetime.now(UTC)}
    await family.hears(first, WorkItemOpened, 1, **opened)
    await family.hears(first, WorkItemClosed, 2, **item, reason=ClosureReason.COMPLETED)
    assert await family.links(second) == []
    await family.hears(first, WorkItemOpened, 3, **opened, reopens=True)
    assert await family.links(second) == ["duplicate"]


async def test_both_agencies_hear_once_a_person_has_confirmed_it(family: Family) -> None:
    first, second = await family.send(), await family.send(slug="nursery")
    await family.judged(second, first, is_same=True)
    assert await family.told(first) == await family.told(second, "nursery") == ["duplicate"]
    assert await family.links(first) == await family.links(second) == []
    assert [(await family.row(each)).version for each in (first, second)] == [1, 1]
    for each in (first, second):
        assert [link["is_told"] for link in (await family.last_event(each))["linked"]] == [True]
    history = (await family.intake.look(f"/referrals/{first}")).json()["history"]
    assert [line["what"] for line in history] == ["received", "linked"]
    await family.judged(second, first, is_same=None, after=2)
    assert await family.told(first) == await family.told(second, "nursery") == []
    assert await family.links(second) == ["duplicate"]


async def test_not_the_same_parts_them_and_the_later_is_decided_again(family: Family) -> None:
    first, second = await family.send(), await family.send(slug="nursery")
    await family.judged(second, first, is_same=False)
    assert await family.links(first) == await family.links(second) == []
    assert (await family.row(second)).version == 2
    assert (await family.row(first)).family_id != (await family.row(second)).family_id
    await family.call("PATCH", second, {"risk_factors": ["isolation"]}, "nursery")
    assert await family.links(second) == []


@pytest.mark.parametrize(
    "private", [{"safety": ["domestic_abuse"]}, {"home": {"withheld": True}}, {"caregivers": [
        {**MOTHER, "relationship": "adoptive"}]}]
)  # fmt: skip
async def test_nobody_is_told_of_a_family_that_could_come_to_harm(family: Family, private: dict[str, Any]) -> None:
    first, second = await family.send(**private), await family.send(slug="nursery")
    await family.judged(second, first, is_same=True)
    assert await family.told(first) == await family.told(second, "nursery") == []


async def test_an_agency_hears_of_its_own_at_once(family: Family) -> None:
    first, second = await family.send(), await family.send()
    assert await family.told(second) == ["repeat"]
    assert await family.told(first) == ["repeat"]


async def test_an_erased_referral_is_nobodys_kin(family: Family) -> None:
    first, second, third = [await family.send(slug=slug) for slug in ("health-visiting", "nursery", "social-care")]
    gone = await family.row(first)
    async with family.intake.engine.begin() as tx:
        assert await erase(tx, first, actor=Actor("operator", "test"), at=datetime.now(UTC))
    for table in ("kin", "family_judgment", "family_token"):
        assert str(gone.id) not in str(await fetch(family.intake.engine, f"SELECT * FROM {table}"))
    others = await fetch(family.intake.engine, f"SELECT value FROM event WHERE key <> '{gone.id}'")
    assert not [row for row in others if str(gone.id) in row.value or first in row.value]
    assert (await family.row(second)).family_id == (await family.row(third)).family_id != gone.id
    assert await family.links(third) == ["duplicate"]


async def test_a_family_that_is_posted_for_ever_stays_small(family: Family) -> None:
    """A probe that sends one invented family every minute: each costs the same, whatever came before."""
    for number in range(3 * links.MOST):
        last = await family.send(slug="nursery" if number % 2 else "health-visiting")
    event = await family.last_event(last)
    assert len(event["linked"]) == links.MOST
    sizes = await fetch(family.intake.engine, "SELECT max(octet_length(value)) AS size FROM event")
    assert sizes[0].size < 16 * 1024
    rows = await fetch(
        family.intake.engine, "SELECT max(n) AS most FROM (SELECT count(*) n FROM kin GROUP BY referral_id)"
    )
    assert rows[0].most <= 2 * links.MOST
    events = await count(family.intake.engine, "event WHERE type IN ('referral.received.v1', 'referral.amended.v1')")
    assert events < 3 * links.MOST + 10


async def test_an_amended_referral_is_found_by_whoever_comes_next(family: Family) -> None:
    first = await family.send(UNBORN)
    await family.call("PATCH", first, {"babies": [family.robin]})
    second = await family.send(slug="nursery")
    assert await family.links(second) == ["duplicate"]
    assert UUID((await family.last_event(second))["linked"][0]["id"]) == (await family.row(first)).id
