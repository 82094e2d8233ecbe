"""What the form asks about messages to each caregiver: how, whether it is safe, and who said so."""

from __future__ import annotations

from typing import Final

from services.referral.front import choices
from services.referral.front.form import Field, FieldKind

MESSAGES: Final = (
    Field(
        "caregivers.*.messages.channel",
        "May we send them short messages, and how?",
        FieldKind.RADIOS,
        hint="To say that we have this, and who rings them when. No message says what it is about.",
        choices=choices.MESSAGE_CHANNELS,
    ),
    Field(
        "caregivers.*.messages.is_safe",
        "Is it safe to write to them?",
        FieldKind.YES_NO,
        hint="It is when nobody else reads their messages. We send none unless it is.",
        choices=choices.YES_OR_NO,
    ),
    Field(
        "caregivers.*.messages.told_by",
        "Who told you that?",
        FieldKind.RADIOS,
        hint="We send none unless they said it themselves.",
        choices=choices.TOLD_BY,
    ),
)
