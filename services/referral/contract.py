"""What the intake answers, as schemas for the OpenAPI document; a test holds real answers against them."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.referral.asked import Topic
from services.referral.document.model import ReferralDocument
from services.referral.document.read import Challenge, Enquiry, Withdrawal
from services.referral.status import RouteState, Status
from shared.events import DANGERS, RED_FLAGS, Eligibility, Kind, Mode, Route, Tier, Urgency
from shared.problems import CATALOGUE

AGENCY_KEY: Final = {"agency_key": {"type": "http", "scheme": "bearer", "description": "the key of your agency"}}


class Answered(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Receipt(Answered):
    """The referral is stored; it will not be lost."""

    id: str
    reference: str = Field(description="speakable; give it when you ring")
    status: Status
    received_at: AwareDatetime
    act_now: list[str] = Field(description="whom to ring now, yourself; empty unless a danger was ticked")
    links: list[str]
    gaps: list[str] = Field(default=[], description="JSON pointers to what is still missing")


class Amended(Receipt):
    version: int
    dropped: list[str] = Field(default=[], description="what a replaced list no longer says, as JSON pointers")


class Withdrawn(Answered):
    """The referral is taken back; a danger that nobody has read of yet stays somebody's work."""

    reference: str
    status: Status
    act_now: list[str]


class Informed(Answered):
    """What you said is stored, and goes to whoever works with the family."""

    reference: str
    status: Status
    received_at: AwareDatetime
    act_now: list[str]
    dropped: list[str] = []


class ShownRoute(Answered):
    route: Route
    status: RouteState


class ShownReason(Answered):
    rule: str
    text: str


class PolicyVersion(Answered):
    id: str
    version: int


class ShownDecision(Answered):
    eligibility: Eligibility
    mode: Mode
    tier: Tier | None
    routes: list[ShownRoute]
    urgency: Urgency
    reasons: list[ShownReason]
    policy: PolicyVersion


class OtherHelp(Answered):
    name: str
    offers: str
    phone: str | None
    web: str | None


class HistoryLine(Answered):
    at: AwareDatetime
    what: str
    text: str
    detail: str | None


class FeedItem(Answered):
    reference: str
    kind: Kind
    external_reference: str | None = Field(description="your own reference, as you sent it")
    status: Status
    dangers: list[str] = Field(description="codes that tell of a danger: a PATCH takes them back by `taken_back`")
    act_now: list[str] = Field(description="whom to ring now, yourself; empty without a danger")
    received_at: AwareDatetime
    version: int
    decision: ShownDecision | None
    links: list[str]
    gaps: list[str]
    asked: list[Topic] = Field(description="what we ask you, by topic; the words are at `/questions`")
    next_step: str
    decision_by: date | None = Field(description="by when you hear a decision; null once there is one")
    first_contact_by: date | None = Field(description="by when the team meets the family; null when it has")
    expected_by: date | None = Field(description="the next of the two")


class Shown(FeedItem):
    other_help: list[OtherHelp] = []
    history: list[HistoryLine] = []


class ShownQuestion(Answered):
    at: AwareDatetime
    about: Topic
    words: str
    is_open: bool


class Questions(Answered):
    """What we asked you about it, the oldest first; answer by `POST /referrals/{reference}/information`."""

    reference: str
    status: Status
    items: list[ShownQuestion]


class Feed(Answered):
    items: list[FeedItem]
    next: str = Field(description="send it as `changed_since` the next time")


TAKEN_BACK: Final = {
    "type": "array",
    "items": {"type": "string", "enum": sorted({*DANGERS, *RED_FLAGS})},
    "description": "dangers that were ticked by mistake, or are over: without it they stay",
}
IF_MATCH: Final = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "description": "the version that the change is for, in quotes; any other is 412",
    "schema": {"type": "string"},
}


def takes(model: type[BaseModel], *more: dict[str, Any], is_patch: bool = False) -> dict[str, Any]:
    """The body of a call, its key, and `more` headers."""
    schema = model.model_json_schema()
    if is_patch:
        properties = schema["properties"] | {"taken_back": TAKEN_BACK}
        schema = schema | {"title": f"{schema['title']}Patch", "required": [], "properties": properties}
    key = {
        "name": "Idempotency-Key",
        "in": "header",
        "required": True,
        "description": "new for each request, the same when you send it again; kept for 30 days",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    }
    return {
        "parameters": [key, *more],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": schema}},
        },
        "security": [{"agency_key": []}],
    }


def gives(model: type[BaseModel], *statuses: int) -> dict[int | str, dict[str, Any]]:
    """The answer of a call, by status."""
    answer = {
        "description": (model.__doc__ or model.__name__).split("\n")[0],
        "content": {"application/json": {"schema": model.model_json_schema(mode="serialization")}},
    }
    return dict.fromkeys(statuses, answer)


def refuses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """A refusal that not every call has."""
    described = {status: next(title for code, title in CATALOGUE.values() if code == status) for status in statuses}
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": title, "content": problem} for status, title in described.items()}


KEYED: Final[dict[str, Any]] = {"security": [{"agency_key": []}]}
REFERRAL: Final = takes(ReferralDocument)
CHANGE: Final = takes(ReferralDocument, IF_MATCH, is_patch=True)
WITHDRAWAL: Final = takes(Withdrawal)
INFORMATION: Final = takes(ReferralDocument, is_patch=True)
CHALLENGE: Final = takes(Challenge)
ENQUIRY: Final = takes(Enquiry)
