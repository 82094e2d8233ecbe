"""What GOV.UK Notify reports of a message: late, early, twice or in any order, the furthest state stays. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from services.notify.content import State
from services.notify.family_messages.sending import GIVEN_UP, MOST_ACCEPTED, TEMPORARY
from services.notify.senders.govuk_notify import Known

RETURNED = "returned"
"""A letter that came back, weeks after it was printed."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a report makes of a message; `error` says why it is not delivered."""

    state: State
    error: str | None = None


def change_by(known: Known, *, nth: int, state: State, accepted: int, is_returned: bool = False) -> Change | None:
    """None when it says nothing new. `nth` is the send that it is about, `accepted` the last that we know of.

    A report may come before our own word of the send: then `nth` is one more than `accepted`. One of an earlier send
    than the last changes nothing, unless that one has arrived after all.
    """
    if is_returned:
        return None if state is State.UNDELIVERABLE else Change(State.UNDELIVERABLE, RETURNED)
    if state is State.DELIVERED:
        return None
    if known is Known.DELIVERED:
        return Change(State.DELIVERED)
    is_old = nth < accepted or (nth == accepted and state is not State.SENT)
    if known is Known.ON_ITS_WAY or is_old or state in (State.UNDELIVERABLE, State.HELD):
        return None
    if known is Known.GIVEN_UP:
        return Change(State.UNDELIVERABLE, GIVEN_UP)
    return Change(State.UNDELIVERABLE if nth >= MOST_ACCEPTED else State.FAILED, TEMPORARY)
