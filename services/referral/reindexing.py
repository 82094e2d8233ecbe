"""`python -m services.referral reindex`: the blind indexes of referrals that came before an index was added."""

from __future__ import annotations

import argparse
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.referral import kin_rows
from services.referral.document import ReferralDocument
from services.referral.identity import Identities, Sealed
from services.referral.settings import Settings
from shared.crypto import read_key
from shared.database import sql


def add_reindex_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("reindex", help="let staff find referrals that came before an update; repeatable")
    parser.set_defaults(run=_reindex)


async def reindex(engine: AsyncEngine, identities: Identities) -> int:
    """Add the indexes that are missing, a transaction a referral; returns how many referrals were read.

    The row is locked meanwhile, so that an amendment or an erasure comes before or after, never between.
    """
    async with engine.connect() as tx:
        ids = (await tx.execute(sql("SELECT id FROM referral WHERE kind = 'family' ORDER BY id"))).scalars().all()
    return sum([await _add_missing(engine, each, identities) for each in ids])


async def _add_missing(engine: AsyncEngine, referral_id: UUID, identities: Identities) -> bool:
    async with engine.begin() as tx:
        if (sealed := await _locked(tx, referral_id)) is None:
            return False
        document = ReferralDocument.model_validate(identities.unseal(referral_id, sealed)["document"])
        await kin_rows.keep(tx, {referral_id: identities.tokens(document)}, {})
    return True


async def _locked(tx: AsyncConnection, referral_id: UUID) -> Sealed | None:
    """None when it was erased."""
    row = (
        await tx.execute(
            sql("SELECT wrapped_key, identity FROM referral WHERE id = :id FOR NO KEY UPDATE"), {"id": referral_id}
        )
    ).one()
    return None if row.wrapped_key is None else Sealed(row.wrapped_key, row.identity)


async def _reindex(engine: AsyncEngine, _: argparse.Namespace) -> int:
    settings = Settings()
    identities = Identities(
        master_key=read_key(settings.master_key.get_secret_value()),
        index_key=read_key(settings.index_key.get_secret_value()),
    )
    print(f"{await reindex(engine, identities)} referral(s) can be found")
    return 0
