"""What codes are called in a mail: teams, reasons and ends, and the sentences that come in several mails."""

from __future__ import annotations

from typing import Final

from shared.events import ClosureReason, DeclineReason, Kind, Route

ENQUIRIES: Final = {Kind.CONSULTATION: "request for a consultation", Kind.TRAINING: "request for training"}

SUPPORT: Final = {
    Route.UNIVERSAL: "The health visiting team and the Family Hub",
    Route.TARGETED: "The Early Help team",
    Route.PIR_SHORT: "The parent-infant team, for short-term work",
    Route.PIR_LONG: "The parent-infant team, for longer-term work",
    Route.PNMH: "The perinatal mental health team",
    Route.ADULT_MH: "The adult mental health team",
    Route.MASH: "Children's social care",
    Route.MASH_HOME_LA: "Children's social care where the family's own council is",
    Route.SOCIAL_WORKER_LINK: "The family's social worker, together with us",
    Route.CONSULTATION: "A colleague who talks it through with you",
    Route.TRAINING: "A colleague who plans training with your team",
}
"""Routes that an agency knows as somebody's support; any other is a person in our team."""
A_PERSON: Final = "A person in our team"

DECLINED: Final = {
    DeclineReason.OVER_AGE: "The child is past the age that our support is for.",
    DeclineReason.OUT_OF_AREA: "The family lives outside the area that we serve.",
    DeclineReason.CONSENT_REFUSED: "The family does not want this at present.",
    DeclineReason.DUPLICATE: "We have another referral for this family and go on with that one.",
    DeclineReason.NEED_MET_ELSEWHERE: "Another service gives the family the help that was asked for.",
    DeclineReason.INCOMPLETE: "We did not get the information that we asked for.",
    DeclineReason.NOT_SUITABLE: "Another kind of help fits this family better.",
}
TURN_TO: Final = {
    DeclineReason.OVER_AGE: Route.SIGNPOST_AGE,
    DeclineReason.OUT_OF_AREA: Route.SIGNPOST_AREA,
    DeclineReason.CONSENT_REFUSED: Route.ADVICE_TO_REFERRER,
}
"""Reasons with a route of the signposts; with any other nothing says that there was no loss."""
CLOSED: Final = {
    ClosureReason.COMPLETED: "What was planned is done.",
    ClosureReason.MOVED_AWAY: "The family has moved out of the area that we serve.",
    ClosureReason.DID_NOT_ATTEND: "We did not get to meet the family.",
    ClosureReason.FAMILY_ASKED: "The family does not want this at present.",
    ClosureReason.PASSED_ON: "Another service goes on with it.",
    ClosureReason.NO_FURTHER_NEED: "Nothing more is needed from us at present.",
    ClosureReason.AGED_OUT: "The child is past the age that our support is for.",
    ClosureReason.WITHDRAWN: "The referral was taken back.",
    ClosureReason.DECIDED_AGAIN: "A newer decision has taken its place.",
    ClosureReason.SAME_FAMILY: "We work with this family already, and go on with that.",
    ClosureReason.NOT_THE_SAME: "We go on with your referral.",
}
"""Why a lead ended work; of a death nothing is written."""
OTHERS_HELP: Final = "Others can help the family."
ELSEWHERE: Final = "The health visitor and the GP are there for the family."

NOBODY_ELSE: Final = "This system has rung nobody. Whoever has to hear of it hears of it from a person."
NO_PERSONAL_DETAILS: Final = "Please keep names and other personal details out of any reply."
