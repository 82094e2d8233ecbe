"""The deploy step: migrations, topics, the agency in whose name parents refer themselves, and demo agencies.

The last in development only. `python -m deploy.setup`; repeatable.
"""

from __future__ import annotations

import asyncio
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy import kafka_users
from deploy.migrate import migrate
from deploy.secrets import database_url, passwords_from
from services.referral import agencies, feed_epoch
from services.referral.front import members
from services.referral.front.family.visits import AGENCY as OWN_AGENCY
from services.referral.identity import Identities
from services.referral.settings import Settings
from services.referral.submitting.prepare import identities_of
from services.referral.tables import SCHEMA
from shared.audit import Actor
from shared.brokers import Brokers
from shared.database import engine_of, sql
from shared.events import PARTITIONS, TOPICS
from shared.settings import KafkaSettings, PolicySettings

RETENTION_DAYS: Final = 90
DEMO_AGENCIES: Final = {
    "health-visiting": ("Health visiting, invented", "A2"),
    "social-care": ("Children's social care, invented", "C1"),
    "early-help": ("Early Help, invented", "M6"),
    "midwifery": ("Midwifery, invented", "A4"),
    "nursery": ("Sunflower nursery, invented", "C2"),
}
"""slug → name and NHS source code; Early Help has none of its own, so it is "other service or agency"."""
DEMO_ODS_CODES: Final = {"health-visiting": "PIRHV", "midwifery": "PIRMW"}
"""Those of the NHS have an ODS code, an invented one: their systems may send FHIR messages."""


async def make_topics(brokers: Brokers) -> None:
    """The topics that are not there yet, with 12 partitions; as many copies (up to 3) as there are brokers."""
    admin = AIOKafkaAdminClient(**brokers.for_client(), request_timeout_ms=15_000)
    await admin.start()
    try:
        missing = set(TOPICS) - set(await admin.list_topics())
        copies = min(3, len((await admin.describe_cluster())["brokers"]))
        if missing:
            await admin.create_topics([_topic(name, copies) for name in sorted(missing)])
    finally:
        await admin.close()


def _topic(name: str, copies: int) -> NewTopic:
    settings = {"retention.ms": str(RETENTION_DAYS * 86_400_000), "min.insync.replicas": str(max(1, copies - 1))}
    return NewTopic(name, PARTITIONS, copies, topic_configs=settings)


async def add_own_agency(database_url: str, inbox: str) -> None:
    """That of /help, unless it is there, ended or not; nobody has a key to it. Its receipts go to `inbox`."""
    engine = engine_of(database_url, SCHEMA)
    async with engine.begin() as tx:
        if not await tx.scalar(sql("SELECT 1 FROM agency WHERE slug = :slug"), {"slug": OWN_AGENCY}):
            at, setup = datetime.now(UTC), Actor("system", "setup")
            await agencies.add(
                tx, slug=OWN_AGENCY, name="Families themselves", team_inbox=inbox, source="B1", actor=setup, at=at
            )
            await agencies.revoke(tx, slug=OWN_AGENCY, actor=setup, at=at, all_keys=True)
    await engine.dispose()


def desk_inbox() -> str:
    """PIR_DESK_INBOX; else the address of whoever is on call by the live policy."""
    return os.environ.get("PIR_DESK_INBOX") or PolicySettings().live_policy().on_call.email


async def add_demo_agencies(database_url: str, credentials: dict[str, dict[str, str]], identities: Identities) -> None:
    """The development agencies with the keys of the credentials file, and their people; those there already stay."""
    keys, setup = credentials["agencies"], Actor("system", "setup")
    people = [(slug, email, False) for slug, email in credentials["members"].items()]
    people += [(slug, email, True) for slug, email in credentials["keepers"].items()]
    engine = engine_of(database_url, SCHEMA)
    async with engine.begin() as tx:
        known = set(await tx.scalars(sql("SELECT slug FROM agency")))
        for slug, (name, source) in DEMO_AGENCIES.items():
            if slug not in known:
                await agencies.add(
                    tx,
                    slug=slug,
                    name=name,
                    team_inbox=f"{slug}@agency.example.org",
                    source=source,
                    actor=setup,
                    at=datetime.now(UTC),
                    key=keys[slug],
                    ods_code=DEMO_ODS_CODES.get(slug),
                )
        active = set(await tx.scalars(sql("SELECT slug FROM agency WHERE is_active")))
        for slug, email, is_keeper in people:
            if slug in active and not await members.by_email(tx, identities, email):
                await members.add(
                    tx, identities, slug=slug, email=email, is_keeper=is_keeper, actor=setup, at=datetime.now(UTC)
                )
    await engine.dispose()


async def renew_feed(database_url: str) -> None:
    """After a restore the agencies' feed counts anew."""
    engine = engine_of(database_url, SCHEMA)
    async with engine.begin() as tx:
        moved = await feed_epoch.renew(tx)
    await engine.dispose()
    if moved is not None:
        print(f"the database was restored: the feed starts anew, with {moved} referral(s) numbered again")


def main() -> None:
    """All of it, in order; asks DATABASE_URL, KAFKA_BOOTSTRAP_SERVERS and the variables of PIR_ that are named here."""
    brokers = KafkaSettings().brokers
    asyncio.run(make_topics(brokers))
    kafka_users.make(brokers, passwords_from(os.environ, "kafka"))
    url = database_url()
    # the last that services wait for: the topics are there before they start
    migrate(url, passwords=passwords_from(os.environ, "database"))
    asyncio.run(renew_feed(url))
    asyncio.run(add_own_agency(url, desk_inbox()))
    if os.environ.get("PIR_PROFILE") == "development":
        credentials = json.loads(Path(os.environ["PIR_CREDENTIALS_FILE"]).read_text(encoding="utf-8"))
        asyncio.run(add_demo_agencies(url, credentials, identities_of(Settings())))


if __name__ == "__main__":
    main()
