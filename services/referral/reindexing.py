"""`python -m services.referral reindex`: blind indexes and links of all referrals, by the rules of this version."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncEngine

from services.referral.document.model import ReferralDocument
from services.referral.families import links, relating
from services.referral.history import Occasion
from services.referral.identity import Sealed
from services.referral.settings import Settings
from services.referral.submitting import idempotency
from services.referral.submitting.prepare import Preparing, preparing_of
from shared.crypto import UnreadableSecretError
from shared.database import sql
from shared.ids import uuid7
from shared.messaging.outbox import Cause


def add_reindex_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("reindex", help="bring the families of all referrals up to date; repeatable")
    parser.set_defaults(run=_reindex)


async def reindex(engine: AsyncEngine, preparing: Preparing, *, say: Callable[[str], None] = print) -> tuple[int, int]:
    """Make tokens, profile and links of every referral anew, a transaction each: (done, not readable).

    The family and the row are locked meanwhile, so that an amendment or an erasure comes before or after, never
    between. A document that today's model can't read keeps what it has, and its reference is said.
    """
    async with engine.connect() as tx:
        ids = (await tx.execute(sql("SELECT id FROM referral WHERE kind = 'family' ORDER BY id"))).scalars().all()
    done, unreadable = 0, 0
    for number, each in enumerate(ids, 1):
        try:
            done += await _one(engine, each, preparing)
        except (ValidationError, UnreadableSecretError) as error:
            unreadable += 1
            say(f"not readable: referral {each} ({type(error).__name__})")
        if number % 1_000 == 0:
            say(f"{number:,} of {len(ids):,} referrals")
    return done, unreadable


async def _one(engine: AsyncEngine, referral_id: UUID, preparing: Preparing) -> bool:
    async with engine.begin() as tx:
        await idempotency.lock(tx, await links.tokens_of(tx, referral_id))
        locked = sql("SELECT wrapped_key, identity FROM referral WHERE id = :id FOR NO KEY UPDATE")
        row = (await tx.execute(locked, {"id": referral_id})).one()
        if row.wrapped_key is None:  # erased
            return False
        sealed = Sealed(row.wrapped_key, row.identity)
        sent = preparing.identities.unseal(referral_id, sealed)["document"]
        family = preparing.identities.family_of(ReferralDocument.model_validate(sent))
        await idempotency.lock(tx, sorted(family.relating))
        await links.keep_tokens(tx, {referral_id: family.tokens})
        identities = preparing.identities
        external = identities.seal_external(
            referral_id, identities.unwrap(sealed.wrapped_key), sent.get("external_reference")
        )
        await tx.execute(
            sql("UPDATE referral SET profile = CAST(:profile AS jsonb), external_sealed = :external WHERE id = :id"),
            {"id": referral_id, "profile": family.profile.model_dump_json(), "external": external},
        )
        await relating.afresh(tx, referral_id, Occasion(datetime.now(UTC), Cause(uuid7())), preparing.policy)
    return True


async def _reindex(engine: AsyncEngine, _: argparse.Namespace) -> int:
    done, unreadable = await reindex(engine, preparing_of(Settings()))
    print(f"{done} referral(s) can be found")
    return 1 if unreadable else 0
