"""Whether a family may be sent a message by itself: one pure function, asked when it is made and when it goes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from services.referral.document.codes import MessageChannel, ToldBy
from shared.events import LOSSES, Consent, Facts, Hold, Kind, Safety


class Refusal(StrEnum):
    """Why nothing is sent, the first that fits. UNCLEAR alone is for a person to settle, who may release the message.

    OFF, ENDED, RESTRICTED and ERASED are of the referral, the others of what was said about the family.
    """

    OFF = "off"
    ERASED = "erased"
    RESTRICTED = "restricted"
    ENDED = "ended"
    HOLD = "hold"
    NO_CONSENT = "no-consent"
    NOT_WANTED = "not-wanted"
    NOT_SAFE = "not-safe"
    NOT_TOLD = "not-told"
    NO_ADDRESS = "no-address"
    STOPPED = "stopped"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Wish:
    """What is known of the one whom we would write to.

    `has_address`: for that channel. `has_words`: somebody wrote in words how to be in touch safely, which no program
    understands. `is_stopped`: no more messages are wanted at that address, whoever said so and for which referral.
    """

    channel: MessageChannel = MessageChannel.NONE
    is_safe: bool | None = None
    told_by: ToldBy | None = None
    has_address: bool = False
    has_words: bool = False
    is_stopped: bool = False


def may_message(
    facts: Facts, holds: Collection[Hold], wish: Wish, *, is_on: bool, is_released: bool = False
) -> Refusal | None:
    """None: it may go. `holds` are those of the decision and of the facts; `is_released`: a person has read the words.

    That it is safe has to come from the family: of nobody else is it known. A release settles the words alone: no
    hold, refusal or stop gives way to it.
    """
    checks = (
        (Refusal.OFF, not is_on),
        (Refusal.HOLD, bool(holds) or Safety.DOMESTIC_ABUSE in facts.safety),
        (Refusal.HOLD, bool(LOSSES.intersection(facts.circumstances))),
        (Refusal.NO_CONSENT, facts.kind is not Kind.FAMILY or facts.consent is not Consent.GIVEN),
        (Refusal.NOT_WANTED, wish.channel is MessageChannel.NONE),
        (Refusal.NOT_SAFE, wish.is_safe is not True),
        (Refusal.NOT_TOLD, wish.told_by is not ToldBy.FAMILY),
        (Refusal.NO_ADDRESS, not wish.has_address),
        (Refusal.STOPPED, wish.is_stopped),
        (Refusal.UNCLEAR, wish.has_words and not is_released),
    )
    return next((refusal for refusal, applies in checks if applies), None)
