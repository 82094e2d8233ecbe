"""What is stored of a family: a family whose every word can be searched for, and where the search looks."""

from __future__ import annotations

import asyncio
import calendar
import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition

from shared.events import PARTITIONS, REFERRAL_TOPIC, TOPICS, TRIAGE_TOPIC
from shared.ids import uuid7
from tests.families import a_referral, an_nhs_number
from tests.journeys.people import Agency
from tests.system import System, eventually

SCHEMAS: Final = {"referral", "triage", "notify", "metrics", "public"}
OF_POSTGRESQL: Final = ["pg_catalog", "information_schema"]
OF_NO_FAMILY: Final = "table triage.policy_version"
"""Names every ward."""
ABOUT_IT: Final = ("significant_harm", "E05012275", "Bulwell", "not the emergency route")
"""What other families have too: it tells of this one in a row that names it."""


def a_word() -> str:
    """A word that exists nowhere else, in a form that no code, id or time has."""
    return "Zq" + "".join(secrets.choice("bcdfghjklmnpqrstvwxz") for _ in range(12))


def _a_day(first: date) -> date:
    return first + timedelta(days=secrets.randbelow(200))


def months_after(day: date, months: int) -> date:
    """The same day of the month, or the last one that the month has."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


@dataclass(frozen=True)
class Planted:
    """A family in danger, whose names, numbers and days nobody else has.

    `own` are further words that are found nowhere else, such as a ward where no other family of the test lives.
    """

    tag: str = field(default_factory=a_word)
    born: date = field(default_factory=lambda: _a_day(date(2025, 3, 2)))
    mother_born: date = field(default_factory=lambda: _a_day(date(1985, 1, 1)))
    nhs: str = field(default_factory=an_nhs_number)
    phone: str = field(default_factory=lambda: f"0770090{secrets.randbelow(8000) + 1000}")
    postcode: str = "NG6 8GB"
    own: tuple[str, ...] = ()

    def referral(self) -> dict[str, Any]:
        """As an agency sends it, with another reference of the agency's own each time."""
        baby = {"given_name": f"B{self.tag}", "family_name": self.tag, "date_of_birth": str(self.born)}
        mother = {"relationship": "mother", "given_name": f"M{self.tag}", "family_name": self.tag}
        return a_referral(
            babies=[baby | {"nhs_number": self.nhs}],
            caregivers=[mother | {"phone": self.phone, "date_of_birth": str(self.mother_born)}],
            home={"postcode": self.postcode, "address_lines": [f"12 {self.tag} Street"]},
            notes=f"{self.tag} cries.",
            safety=["significant_harm"],
            external_reference=f"{self.tag}-{secrets.token_hex(4)}",
        )

    @property
    def telling(self) -> set[str]:
        """Its words, its numbers and its days; the second birthday and 22 months tell the birth too."""
        days = (self.born, months_after(self.born, 24), months_after(self.born, 22), self.mother_born)
        numbers = (self.nhs, self.phone, f"+44{self.phone[1:]}")
        return forms([self.tag, *map(str, days), *numbers, *self.own])


def planted(system: System, **more: Any) -> Planted:
    """A family whose words and days are in no row yet: other families are born on chance days, too."""
    while True:
        family = Planted(**more)
        if not any(word in text for _, text in asyncio.run(rows(system.database_url)) for word in family.telling):
            return family


def wait_until_gone(system: System, family: Planted, *references: str) -> None:
    """Raises AssertionError with what is left."""
    left: list[str] = []

    def is_gone() -> bool:
        left[:] = traces(system, family, *references)
        return not left

    try:
        eventually(is_gone, what="no trace of the family")
    except AssertionError:
        raise AssertionError("still there:\n" + "\n".join(left)) from None


def forms(words: Iterable[str]) -> set[str]:
    """How each may stand in a row: as it is, in small letters, and as PostgreSQL shows bytes."""
    small = {each for word in words for each in (word, word.lower())}
    return small | {word.encode().hex() for word in small}


def keys_of(system: System, *references: str) -> list[str]:
    """The ids by which the services name these referrals."""
    found = system.query("SELECT id FROM referral.referral WHERE reference = ANY($1::text[])", list(references))
    assert len(found) == len(references)
    return [str(row["id"]) for row in found]


def traces(system: System, family: Planted, *references: str) -> list[str]:
    """Rows that still say anything of the family; of rows that name it, anything about the child."""
    naming, about_it = forms([*references, *keys_of(system, *references)]), forms(ABOUT_IT)
    return [
        f"{place}: {text[:300]}"
        for place, text in asyncio.run(rows(system.database_url))
        if place != OF_NO_FAMILY
        and (
            any(word in text for word in family.telling)
            or (
                not place.endswith(".audit")
                and any(word in text for word in naming)
                and any(word in text for word in about_it)
            )
        )
    ]


async def rows(database_url: str) -> list[tuple[str, str]]:
    """Every row of every table of every schema as text; bytes are in hex there."""
    connection = await asyncpg.connect(database_url, timeout=10)
    try:
        tables = await connection.fetch(
            "SELECT schemaname AS s, tablename AS t FROM pg_tables WHERE schemaname <> ALL($1::text[])", OF_POSTGRESQL
        )
        assert {table["s"] for table in tables} == SCHEMAS
        return [
            (f"table {table['s']}.{table['t']}", row[0])
            for table in tables
            for row in await connection.fetch(f'SELECT CAST(x AS text) FROM {table["s"]}."{table["t"]}" x')
        ]
    finally:
        await connection.close()


def shown_to(agency: Agency, *references: str) -> str:
    """All that an agency can read: what is said of each of these referrals, and its feed from the beginning."""
    answers = [agency.call("GET", f"/referrals/{reference}").body for reference in references]
    return json.dumps([*answers, *agency.reads_feed()])


async def records(bootstrap_servers: str, topics: Iterable[str] = TOPICS) -> list[ConsumerRecord]:
    """Every record of the topics, in the order of each partition."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap_servers, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await consumer.start()
    found: list[ConsumerRecord] = []
    try:
        parts = [TopicPartition(topic, n) for topic in topics for n in range(PARTITIONS)]
        consumer.assign(parts)
        ends = await consumer.end_offsets(parts)
        assert sum(ends.values()) > 0
        while any([await consumer.position(part) < ends[part] for part in parts]):
            for batch in (await consumer.getmany(timeout_ms=500)).values():
                found += batch
    finally:
        await consumer.stop()
    return found


def hear_again(system: System, *keys: str) -> None:
    """As late events, or after a lost offset: every record of these keys is heard again, under ids that are new."""
    asyncio.run(_send_again(system.servers.kafka_bootstrap_servers, {key.encode() for key in keys}))
    system.totals_at_rest()


async def _send_again(bootstrap_servers: str, keys: set[bytes]) -> None:
    again = [each for each in await records(bootstrap_servers, (REFERRAL_TOPIC, TRIAGE_TOPIC)) if each.key in keys]
    assert len(again) > 3 * len(keys)
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap_servers)
    await producer.start()
    try:
        for each in again:
            headers = [(name, str(uuid7()).encode() if name == "ce_id" else value) for name, value in each.headers]
            await producer.send_and_wait(each.topic, each.value, key=each.key, headers=headers)
    finally:
        await producer.stop()
