"""The secrets of endpoints, sealed by a key of notify's own; and that key, which `keys rotate` changes.

Why not the referral service's key: its `keys rotate` reaches its own tables alone, so that what it had sealed for
another service would open no more. docs/decisions/0030 says more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.settings import Settings
from services.notify.webhooks import signing
from shared import encryption_keys
from shared.crypto import Safe, seal, unseal
from shared.encryption_keys import HeldKey
from shared.key_rotation import DataKeys

TABLES: Final = ("webhook_endpoint",)
BOTH_SIGN: Final = timedelta(hours=24)
"""For how long the secret before a rotation signs beside the new one."""


def held(settings: Settings) -> HeldKey:
    return HeldKey.of("master", "PIR_NOTIFY_MASTER_KEY", settings.notify_master_key, settings.notify_master_key_before)


async def check(tx: AsyncConnection, key: HeldKey, *, at: datetime) -> None:
    """Raises WrongKeyError."""
    await encryption_keys.check(tx, key, encryption_keys.opens_any_of(*TABLES), at=at)


def rotates(settings: Settings) -> list[DataKeys]:
    return [DataKeys(held(settings), TABLES)]


class NewSecret(NamedTuple):
    """`shown` leaves us once, in the answer to whoever asked; the others are stored."""

    shown: str
    wrapped_key: bytes
    sealed: bytes


@dataclass(frozen=True, slots=True)
class EndpointSecrets:
    """Makes and opens the secrets of endpoints."""

    safe: Safe

    def new(self, endpoint_id: UUID) -> NewSecret:
        """With a data key of its own."""
        key, wrapped = self.safe.new_key()
        return self._sealed(endpoint_id, key, wrapped)

    def another(self, endpoint_id: UUID, wrapped_key: bytes) -> NewSecret:
        """A further one under the data key that there is. Raises UnreadableSecretError."""
        return self._sealed(endpoint_id, self.safe.unwrap(wrapped_key), wrapped_key)

    def opened(self, row: Any, *, at: datetime) -> list[bytes]:
        """Those that sign at this moment, the newest first. Raises UnreadableSecretError."""
        key, about = self.safe.unwrap(bytes(row.wrapped_key)), row.id.bytes
        found = [unseal(key, bytes(row.secret), about=about)]
        if row.secret_before is not None and row.before_until > at:
            found.append(unseal(key, bytes(row.secret_before), about=about))
        return found

    @staticmethod
    def _sealed(endpoint_id: UUID, key: bytes, wrapped_key: bytes) -> NewSecret:
        secret = signing.new_secret()
        return NewSecret(signing.shown(secret), wrapped_key, seal(key, secret, about=endpoint_id.bytes))
