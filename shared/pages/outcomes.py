"""What a page says once after a form (`?done=claimed` is a code of this list), and words for each problem."""

from __future__ import annotations

from typing import Final, NamedTuple

DONE: Final = {
    "claimed": "You have taken this on.",
    "released": "It is back in the queue.",
    "assigned": "It is given to your colleague.",
    "accepted": "The family is accepted. The referrer is told.",
    "declined": "The referral is declined. The referrer is told.",
    "overridden": "Your decision is in force. The referrer is told.",
    "asked": "The referrer is asked.",
    "attempted": "The contact is recorded.",
    "contacted": "The first contact is recorded.",
    "noted": "Your note is added.",
    "taken-over": "You have taken this over. Your colleague is named in the history.",
    "handed-back": "It is back with whoever had it before.",
    "proposal-taken": "What the rules propose is in force now. The referrer is told.",
    "proposal-left": "The decision stays as it is.",
    "reopened": "It is open again. The referrer is told.",
    "same-family": "It is one family. Both agencies are told, unless that could harm the family.",
    "not-the-same": "They are not the same family. The rules decide again.",
    "closed": "This work is closed.",
    "waiting": "The family is on the waiting list. The referrer is told.",
    "offered": "The offer is recorded.",
    "rung": "Thank you. It is written down who took it.",
    "answered": "The answer is written down. The clock runs again.",
    "birth-noted": "Thank you for asking. It is written down.",
    "arranged": "The date is recorded.",
    "delivered": "It is recorded who came, and when.",
    "capacity": "The places are changed.",
    "team": "The team is changed.",
    "services": "The services are changed.",
    "draft-kept": "The draft is kept. Nothing has changed for families yet.",
    "draft-dropped": "The draft is gone.",
    "policy-live": "The new policy is in force.",
    "policy-back": "The earlier policy is in force again.",
    "parked-replayed": "It is handled now, and so is what waited behind it.",
    "message-released": "It goes out now, unless something else speaks against it.",
    "message-kept-back": "It is kept back. What you chose is in the history.",
    "parked-discarded": "It is given up. What waited behind it, if anything, is listed here now: try that again.",
    "answer-sent": "Thank you. The team has your answer, and the clock runs again.",
    "told": "Thank you. The team has what you told us.",
    "birth-told": "Thank you for telling us. The birth is written down.",
    "corrected": "Your change is saved. The team sees it.",
    "danger-stays": "Your change is saved. The danger that you told us of stays. Was it wrong? Tell us so in words.",
    "said-no": "The team sees that the family said no. You can withdraw this, and ask us for advice without names.",
    "challenged": "Thank you. Another lead looks at it again.",
    "withdrawn": "You have withdrawn this.",
    "yours-now": "This is yours now. It is written down that you took it over.",
    "colleague-added": "Your colleague can sign in now, with a code that we mail to them.",
    "colleague-ended": "Your colleague is signed out and can't sign in again.",
    "sent-before": "It was sent as it was before you changed it. Look, and send it again to add the change.",
    "saved": "Your changes are saved.",
    "signed-out": "You have signed out.",
}
"""Code → words. Never free text from the address: anybody can write a link."""

OF_STEP: Final = {
    "claim": "claimed",
    "release": "released",
    "assign": "assigned",
    "accept": "accepted",
    "decline": "declined",
    "override": "overridden",
    "request-information": "asked",
    "wait": "waiting",
    "offer-interim": "offered",
    "contact-attempt": "attempted",
    "first-contact": "contacted",
    "arrange": "arranged",
    "deliver": "delivered",
    "note": "noted",
    "confirm-duplicate": "same-family",
    "not-duplicate": "not-the-same",
    "close": "closed",
    "take-over": "taken-over",
    "hand-back": "handed-back",
    "take-proposal": "proposal-taken",
    "leave-proposal": "proposal-left",
    "reopen": "reopened",
}
"""Step of a work item → the code of what is said after it."""


class Trouble(NamedTuple):
    """A page that could not be shown: what happened, and what to do next."""

    heading: str
    what: str
    next: str


TROUBLES: Final = {
    "unreadable": Trouble(
        "We could not read that",
        "The address or the form did not arrive whole.",
        "Go back and try again.",
    ),
    **dict.fromkeys(
        ("credentials-missing", "credentials-unknown"),
        Trouble("Please sign in", "These pages are for the team.", "Sign in, and then open the page again."),
    ),
    "forbidden": Trouble(
        "You can't go on from here",
        "Your role does not let you see this or do this.",
        "If you need it for your work, ask your team lead.",
    ),
    "not-found": Trouble(
        "Page not found",
        "There is nothing at this address that you may see.",
        "Check the address, or look for the referral by its reference.",
    ),
    "method-not-allowed": Trouble(
        "This page can't be opened like that",
        "It is where a form is sent to.",
        "Go back to the page with the form.",
    ),
    "too-slow": Trouble(
        "That took too long",
        "The form did not arrive in time. Nothing was saved.",
        "Check your connection and send it again.",
    ),
    "erased": Trouble(
        "Our records of this family have been erased",
        "We hold nothing about this family any more. Nothing more will happen.",
        "If you are worried about them now, send a new referral.",
    ),
    "conflict": Trouble(
        "Something has changed meanwhile",
        "This does not fit what has happened since you opened the page. Nothing was saved.",
        "Go back, load the page again, and see how things stand.",
    ),
    "step-not-allowed": Trouble(
        "Somebody was here before you",
        "This step is not possible any more. Nothing was saved.",
        "Go back, load the page again, and see how things stand.",
    ),
    "too-large": Trouble(
        "That is too long",
        "The form holds more than we can take. Nothing was saved.",
        "Go back and shorten what you wrote.",
    ),
    "media-type": Trouble(
        "We could not read that",
        "The form did not arrive as a form. Nothing was saved.",
        "Go back and try again.",
    ),
    "invalid": Trouble(
        "Some answers can't be used",
        "Something on the form or in the address is not as we need it. Nothing was saved.",
        "Go back and look at each answer again.",
    ),
    "too-many-requests": Trouble(
        "Too many tries",
        "There were more requests than we can take at once.",
        "Wait a minute, then try again.",
    ),
    "too-many-looks": Trouble(
        "You have looked at many families",
        "There is a limit to how many families one person looks at or searches for in an hour. You have reached it.",
        "Wait, then go on. Families of your own that you have seen within the hour are still open to you. If a child "
        "may be in danger, do not wait: ask your team lead, ring 999 or children's social care.",
    ),
    "internal": Trouble(
        "Sorry, something went wrong",
        "The mistake is ours, not yours. If you sent a form, look whether it was saved before you send it again.",
        "Try again in a few minutes. If it goes on, tell the people who look after this system.",
    ),
    "unavailable": Trouble(
        "Sorry, this does not work right now",
        "We can't read or save anything at the moment.",
        "Try again in a few minutes. If a child may be in danger, do not wait: ring 999 or children's social care.",
    ),
}
"""Problem of shared/problems.py → words for people."""


_TOLD_CLOSER: Final = frozenset({"forbidden", "conflict", "not-found", "too-large", "media-type", "invalid"})
"""Problems of the pages whose `detail` is written for people."""


def trouble(name: str, detail: str = "") -> Trouble:
    """The words for a problem; a `detail` for people takes the place of what is said in general."""
    words = TROUBLES.get(name, TROUBLES["internal"])
    if not detail or name not in _TOLD_CLOSER:
        return words
    told = detail if detail.endswith(".") else f"{detail}."
    return words._replace(what=told, next="" if name == "forbidden" else words.next)
