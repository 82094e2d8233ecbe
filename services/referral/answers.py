"""What the intake answers, as schemas for the OpenAPI document; a test holds real answers against them.

The words below a member are its description there.
"""

from __future__ import annotations

from datetime import date

from pydantic import AwareDatetime, BaseModel, ConfigDict

from services.referral.asked import Topic
from services.referral.status import RouteState, Status
from shared.events import Eligibility, Kind, Mode, Route, Tier, Urgency


class Answered(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class Receipt(Answered):
    """The referral is stored; it will not be lost."""

    id: str
    """A UUID; `reference` is what every other call takes."""
    reference: str
    """Speakable, such as PIR-4K7-29M; give it when you ring."""
    status: Status
    """Where it stands now."""
    received_at: AwareDatetime
    """When it was stored first."""
    act_now: list[str]
    """Whom to ring now, yourself; empty without a danger."""
    links: list[str]
    """`repeat`: your agency has an open referral of this family; `duplicate`: another agency has, as a person said."""
    gaps: list[str] = []
    """JSON pointers to what is still missing."""


class Amended(Receipt):
    """The change is stored."""

    version: int
    """The facts' version: send it as If-Match. It rises when facts change."""
    dropped: list[str] = []
    """JSON pointers to what a replaced list no longer says."""


class Withdrawn(Answered):
    """The referral is taken back; a danger that nobody has read of yet stays somebody's work."""

    reference: str
    """The referral's reference."""
    status: Status
    """`withdrawn`."""
    act_now: list[str]
    """Whom to ring now, yourself; empty without a danger."""


class Informed(Answered):
    """What you said is stored, and goes to whoever works with the family."""

    reference: str
    """The referral's reference."""
    status: Status
    """Where it stands after this: an answer ends the waiting."""
    received_at: AwareDatetime
    """When this was stored."""
    act_now: list[str]
    """Whom to ring now, yourself; empty without a danger."""
    dropped: list[str] = []
    """JSON pointers to what a replaced list no longer says."""


class ShownRoute(Answered):
    """Whom it goes to, and how far they are."""

    route: Route
    """Which team or list; `code_meanings` of GET /requirements says it in words."""
    status: RouteState
    """How far that team is."""


class ShownReason(Answered):
    """A rule that fired."""

    rule: str
    """Its name, such as N3; the rules are in the council's policy."""
    text: str
    """What it says, in words."""


class PolicyVersion(Answered):
    """The council's policy that decided."""

    id: str
    """Its name."""
    version: int
    """Its version."""


class ShownDecision(Answered):
    """The decision as you may see it: a decline that nobody has confirmed yet is a person's look."""

    eligibility: Eligibility
    """Whether the family can be helped here."""
    mode: Mode
    """`auto_route`: it is with a team; `human_review`: a person is looking at it."""
    tier: Tier | None
    """The level of support; null when nobody could say yet."""
    routes: list[ShownRoute]
    """Everybody it goes to."""
    urgency: Urgency
    """How soon somebody has to act: routine, urgent, 1wd (one working day), 4h or now."""
    reasons: list[ShownReason]
    """The rules that fired."""
    policy: PolicyVersion
    """By which policy."""


class OtherHelp(Answered):
    """Who else can help the family."""

    name: str
    """The service."""
    offers: str
    """What it does."""
    phone: str | None
    """Its number, or null."""
    web: str | None
    """Its page, or null."""


class HistoryLine(Answered):
    """Something that happened."""

    at: AwareDatetime
    """When; the list is in this order."""
    what: str
    """A code, such as received, decided, accepted."""
    text: str
    """The same in words."""
    detail: str | None
    """A code that says more (a route, a version, a reason), or null."""


class FeedItem(Answered):
    """A referral or enquiry as it stands now."""

    reference: str
    """Its reference."""
    kind: Kind
    """`family` is a referral; the others are enquiries."""
    external_reference: str | None
    """Your own reference, as you sent it; null without one."""
    status: Status
    """Where it stands, worked out from what happened."""
    dangers: list[str]
    """Codes that tell of a danger: a PATCH takes them back by `taken_back`."""
    act_now: list[str]
    """Whom to ring now, yourself; empty without a danger."""
    received_at: AwareDatetime
    """When it was stored first."""
    version: int
    """The facts' version: send it as If-Match."""
    decision: ShownDecision | None
    """Null until there is one, and after an erasure."""
    links: list[str]
    """As in the receipt, now."""
    gaps: list[str]
    """JSON pointers to what is still missing."""
    asked: list[Topic]
    """What we ask you now, by topic; the words are at `/questions`."""
    next_step: str
    """What happens next, in words."""
    decision_by: date | None
    """By when you hear a decision; null once there is one, and while we wait for you."""
    first_contact_by: date | None
    """By when a team meets the family; null when it has, and while we wait for you."""
    expected_by: date | None
    """The next of the two."""


class Shown(FeedItem):
    """One of your referrals or enquiries, with its history."""

    other_help: list[OtherHelp] = []
    """Who else can help, where the decision points elsewhere."""
    history: list[HistoryLine] = []
    """What happened, the oldest first."""


class ShownQuestion(Answered):
    """One question."""

    at: AwareDatetime
    """When it was asked."""
    about: Topic
    """Consent: the rules ask whether the family agrees. Information: a person asks."""
    words: str
    """The question."""
    is_open: bool
    """Whether we wait for an answer."""


class Questions(Answered):
    """What we asked you about it; answer by `POST /referrals/{reference}/information`."""

    reference: str
    """The referral's reference."""
    status: Status
    """Where it stands now."""
    items: list[ShownQuestion]
    """The oldest first."""


class Feed(Answered):
    """Your referrals and enquiries that are new or changed, the oldest change first."""

    items: list[FeedItem]
    """Empty: there is nothing newer now."""
    next: str
    """Send it as `changed_since` the next time."""
