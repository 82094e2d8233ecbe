"""The key of what staff write: what the service starts with, and what `keys rotate` changes."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from services.triage.settings import Settings
from shared import encryption_keys
from shared.encryption_keys import HeldKey
from shared.key_rotation import DataKeys

TABLES: Final = ("referral",)


def held(settings: Settings) -> HeldKey:
    return HeldKey.of("master", "PIR_TRIAGE_MASTER_KEY", settings.triage_master_key, settings.triage_master_key_before)


async def check(tx: AsyncConnection, key: HeldKey, *, at: datetime) -> None:
    """Raises WrongKeyError."""
    await encryption_keys.check(tx, key, encryption_keys.opens_any_of(*TABLES), at=at)


def rotates(settings: Settings) -> list[DataKeys]:
    return [DataKeys(held(settings), TABLES)]
