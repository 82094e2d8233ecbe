"""From a referral as an agency sends it to its arrival: read, checked, sealed, with the digests that find it again."""

from __future__ import annotations

import secrets
from datetime import datetime

from services.referral.agencies import Agency
from services.referral.answers import Keyed
from services.referral.document.text import stored
from services.referral.intake import Arrival
from services.referral.preparing import Preparing
from services.referral.reference import new_reference
from shared.ids import uuid7
from shared.messaging.outbox import Cause
from shared.strict_json import canonical


def arrival_of(
    value: object, *, agency: Agency, key: str, cause: Cause, preparing: Preparing, received_at: datetime
) -> Arrival:
    """`key` is the request's Idempotency-Key. Raises Invalid with every mistake."""
    identities, referral_id, own, body = preparing.identities, uuid7(), agency.id.bytes, canonical(value)
    prepared = preparing.referral(value, agency=agency, now=received_at, received_at=received_at)
    key_digest = identities.digest("key", own, key)  # an agency may put anything into its keys
    external = value.get("external_reference") if isinstance(value, dict) else None
    return Arrival(
        id=referral_id,
        reference=new_reference(secrets.randbelow),
        agency=agency,
        keyed=Keyed(agency.id, key_digest.hex(), identities.digest("request", b"POST /referrals", body)),
        key_digest=key_digest,
        external_digest=identities.digest("external", own, str(external)) if external else None,
        body_digest=identities.body_digest(agency.id, stored(value)),
        sealed=identities.seal(referral_id, stored(value)),
        prepared=prepared,
        received_at=received_at,
        cause=cause,
    )
