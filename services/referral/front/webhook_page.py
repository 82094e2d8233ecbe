"""How the webhook of an agency is, for its keepers: state, and the last calls by codes. Nothing of families."""

from __future__ import annotations

import asyncio
from typing import Any, Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Response

from services.referral.front.visits import KeeperVisit, MemberVisit
from shared.problems import Problem

PAGE: Final = "/refer/webhook"
HOME_SECONDS: Final = 1.0
"""So long the home page waits for one line; without an answer it goes on without it."""
STATES: Final = {
    "checking": "Not in use yet: your system has not taken our test call",
    "active": "In use",
    "off": "Stopped",
}
WHY_OFF: Final = {
    "gone": "Your system answered that it wants no more calls.",
    "dead": "Your system has taken none of our calls for 5 days.",
}
TYPES: Final = {
    "referral.changed": "A referral changed",
    "referral.question": "We asked you something",
    "enquiry.changed": "A request for advice changed",
    "endpoint.check": "Test call",
}
OUTCOMES: Final = {"due": "Waiting", "delivered": "Taken", "given_up": "Given up"}
ERRORS: Final = {
    "timeout": "no answer within 15 seconds",
    "connect": "no connection",
    "tls": "the certificate does not fit",
    "name": "the host name is not known",
    "address": "the host name leads to a private address",
    "protocol": "no answer that we can read",
    "secret": "we can't open the secret: set the webhook again",
}

routes: Final = APIRouter(include_in_schema=False)


@routes.get(PAGE)
async def webhook(visit: KeeperVisit) -> Response:
    found, is_silent = await look(visit)
    return visit.render("webhook.html", webhook=found, is_silent=is_silent)


async def look(visit: MemberVisit) -> tuple[dict[str, Any] | None, bool]:
    """In words, None when the agency has set none; and whether notify does not say now."""
    try:
        told = await visit.context.webhooks.get(visit.member.agency)
    except Problem as problem:
        return None, problem.name != "not-found"
    return in_words(told), False


async def is_off(visit: MemberVisit) -> bool:
    """For the home page: only keepers are told, and nobody waits long for it when notify does not answer."""
    if not visit.member.is_keeper:
        return False
    try:
        async with asyncio.timeout(HOME_SECONDS):
            found, _ = await look(visit)
    except TimeoutError:
        return False
    return found is not None and found["is_off"]


def in_words(told: dict[str, Any]) -> dict[str, Any]:
    """The host of the address alone: the rest may hold a word that lets somebody in."""
    return {
        "host": urlsplit(told["url"]).netloc,
        "is_off": told["state"] == "off",
        "state": STATES[told["state"]],
        "why_off": WHY_OFF.get(told["why_off"], ""),
        "last_success_at": told["last_success_at"],
        "failing_since": told["failing_since"],
        "last_error": error_in_words(told["last_error"]),
        "waiting": told["waiting"],
        "deliveries": [
            {
                "type": TYPES[each["type"]],
                "reference": each["reference"],
                "made_at": each["made_at"],
                "outcome": OUTCOMES[each["state"]],
                "tries": each["tries"],
                "error": error_in_words(each["last_error"]),
                "next_try_at": each["next_try_at"] if each["tries"] else None,
            }
            for each in told["deliveries"]
        ],
    }


def error_in_words(code: str | None) -> str:
    """Empty for none; a status as it is."""
    if not code:
        return ""
    if code.startswith("http-"):
        return f"it answered {code.removeprefix('http-')}"
    return ERRORS.get(code, "the address can't be used")
