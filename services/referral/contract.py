"""What each call of the intake takes and gives, for the OpenAPI document: bodies, headers, answers, examples."""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel

from services.referral import examples
from services.referral.document.model import ReferralDocument
from services.referral.document.read import Challenge, Enquiry, Withdrawal
from shared.events import DANGERS, RED_FLAGS
from shared.openapi import refusal

AGENCY_KEY: Final = {"agency_key": {"type": "http", "scheme": "bearer", "description": "the key of your agency"}}
KEYED: Final[dict[str, Any]] = {"security": [{"agency_key": []}]}


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


def takes(model: type[BaseModel], example: Any, *more: dict[str, Any], is_patch: bool = False) -> dict[str, Any]:
    """The body of a call with an example, its key, and `more` headers."""
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
            "content": {"application/json": {"schema": schema, "example": example}},
        },
        **KEYED,
    }


def gives(model: type[BaseModel], *statuses: int, example: Any = None) -> dict[int | str, dict[str, Any]]:
    """The answer of a call, by status; without an example of its own the one of examples.py."""
    shown = examples.OF_ANSWERS[model] if example is None else example
    content = {"schema": model.model_json_schema(mode="serialization"), "example": shown}
    answer = {
        "description": (model.__doc__ or model.__name__).split("\n")[0],
        "content": {"application/json": content},
    }
    return dict.fromkeys(statuses, answer)


def refuses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """A refusal that not every call has."""
    return {status: refusal(status) for status in statuses}


REFERRAL: Final = takes(ReferralDocument, examples.REFERRAL)
CHANGE: Final = takes(ReferralDocument, examples.CHANGE, IF_MATCH, is_patch=True)
WITHDRAWAL: Final = takes(Withdrawal, examples.WITHDRAWAL)
INFORMATION: Final = takes(ReferralDocument, examples.INFORMATION, is_patch=True)
CHALLENGE: Final = takes(Challenge, examples.CHALLENGE)
ENQUIRY: Final = takes(Enquiry, examples.ENQUIRY)
