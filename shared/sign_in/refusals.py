"""Why somebody could not sign in, and what the page says about it."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple


class Refusal(StrEnum):
    """A code for the log and for the page."""

    RAN_OUT = "ran-out"
    STOPPED = "stopped"
    PROVIDER = "provider"
    NOT_BELIEVED = "not-believed"
    NO_ROLE = "no-role"
    SEVERAL_ROLES = "several-roles"
    AWAY = "away"
    NOT_SET_UP = "not-set-up"


class RefusedError(Exception):
    """The sign-in ends here, without a session. The code says all; what the provider sent is not repeated."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.value)
        self.refusal = refusal


class RefusalWords(NamedTuple):
    """What a page of a refusal says: its status, what happened, what to do. `again`: whether trying again may help."""

    status: int
    heading: str
    what: str
    next: str
    again: bool = True


WORDS: Final[dict[Refusal, RefusalWords]] = {
    Refusal.RAN_OUT: RefusalWords(
        400,
        "Please start to sign in again",
        "It took more than 10 minutes, or it was started in another window. You are not signed in.",
        "Start again from here, and stay in this window.",
    ),
    Refusal.STOPPED: RefusalWords(
        403,
        "You are not signed in",
        "The sign-in was stopped before its end.",
        "If you want to sign in, start again.",
    ),
    Refusal.PROVIDER: RefusalWords(
        400,
        "You are not signed in",
        "The sign-in page of your organisation ended with a problem.",
        "Start again. If it happens twice, tell your IT support.",
    ),
    Refusal.NOT_BELIEVED: RefusalWords(
        400,
        "We could not check who you are",
        "What your organisation told us about you did not pass our checks. You are not signed in.",
        "Start again. If it happens twice, tell your IT support.",
    ),
    Refusal.NO_ROLE: RefusalWords(
        403,
        "You have no role here yet",
        "Your organisation knows you, but it has not given you a role in this service.",
        "Ask your team lead or your IT support for one.",
        again=False,
    ),
    Refusal.SEVERAL_ROLES: RefusalWords(
        403,
        "You have more than one role here",
        "Everybody needs exactly one role in this service, so that it is clear what they may do.",
        "Ask your IT support to take away the role that you do not need.",
        again=False,
    ),
    Refusal.AWAY: RefusalWords(
        503,
        "Sorry, nobody can sign in right now",
        "The sign-in page of your organisation does not answer.",
        "Try again in a few minutes. If it goes on, tell your IT support.",
    ),
    Refusal.NOT_SET_UP: RefusalWords(
        503,
        "Nobody can sign in yet",
        "This service does not know yet where your team signs in.",
        "The people who look after this system find out how in the guide for signing in (docs/sign-in.md).",
        again=False,
    ),
}
