"""A place in the feed of an agency, as text that only we can make; agencies and webhooks go on from it."""

from __future__ import annotations

import base64
import struct
from uuid import UUID

from services.referral import feed_epoch
from services.referral.identity import CURSOR_BYTES, Identities
from shared.problems import Problem


def write(identities: Identities, since: int, after: UUID, epoch: UUID) -> str:
    body = struct.pack(">q16s16s", since, after.bytes, epoch.bytes)
    return base64.urlsafe_b64encode(body + identities.digest("cursor", body)[:CURSOR_BYTES]).decode().rstrip("=")


def read(identities: Identities, cursor: str | None, epoch: UUID) -> tuple[int, UUID]:
    """Where the feed goes on; from the beginning without a cursor.

    Raises Problem 400 for one that is not ours, and 410 for one from before a restore.
    """
    if not cursor:
        return 0, UUID(int=0)
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        body, signature = raw[:-CURSOR_BYTES], raw[-CURSOR_BYTES:]
        since, after = struct.unpack(">q16s", body[:24])
        of_epoch = UUID(bytes=body[24:]) if body[24:] else feed_epoch.FIRST
    except (ValueError, struct.error):
        raise Problem("cursor-unknown") from None
    if not identities.has_signed(signature, "cursor", body):
        raise Problem("cursor-unknown")
    if of_epoch != epoch:
        raise Problem("cursor-ended")
    return since, UUID(bytes=after)
