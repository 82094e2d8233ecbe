"""Words for the audit page: what each action of each service is, and who acts. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from services.triage.identity_access import SEARCHED
from services.triage.pages import timeline
from services.triage.pages.timeline import DID
from services.triage.pages.words import LOOKED
from services.triage.trail import READ, TrailEntry
from services.triage.work_items.item import AuditLine

OTHERS: Final = {
    SEARCHED: "searched for a family",
    "identity.compared": "found, by a check of the audit page, a look at a family of one's own name",
    READ: "read the audit trail",
    "capacity.set": "changed the places of a team",
    "team.routes-set": "changed what a colleague takes",
    "policy.drafted": "sent in a draft of the policy",
    "policy.compared": "compared a draft of the policy",
    "policy.discarded": "discarded a draft of the policy",
    "referral.received": "sent a referral",
    "referral.amended": "changed a referral",
    "enquiry.received": "asked for a consultation or training",
    "message.sent": "sent a message",
    "message.delivered": "heard that a message arrived",
    "message.undeliverable": "could not deliver a message",
    "parked.replayed": "tried a parked message again",
    "parked.discarded": "gave a parked message up",
    "codes.exported": "took the coded lines of a month",
    "agency.added": "added an agency",
    "agency.key-added": "gave an agency a key",
    "agency.keys-revoked": "took an agency's keys back",
    "places.loaded": "loaded postcodes",
    "places.unloaded": "removed postcodes",
}
"""Actions that the history of a referral does not have; their detail is a code and stands behind the words."""

SERVICES: Final = {"referral": "Referral", "triage": "Triage", "notify": "Notify", "metrics": "Metrics"}


def action_names() -> list[tuple[str, str]]:
    """Every action with its words, for a choice: in the order of the words."""
    short = {action: words.partition(":")[0] for action, words in DID.items() if not words.startswith("{")}
    named = {"referral.decided": "decided", **short, **OTHERS}
    return sorted(((action, words[0].upper() + words[1:]) for action, words in named.items()), key=lambda each: each[1])


def who(entry: TrailEntry) -> str:
    """A colleague by name when known, an agency and an operator by their code, a part of the system by its words."""
    if entry.actor_kind == "staff":
        return entry.actor_name or entry.actor
    if entry.actor_kind == "system":
        return timeline.who("system", entry.actor, {})
    return f"{entry.actor_kind.capitalize()} {entry.actor}"


def what(entry: TrailEntry, names: Mapping[str, str]) -> str:
    """In words; an action that a newer version writes is shown as it is."""
    words = OTHERS.get(entry.action)
    if words is None:
        line = AuditLine(entry.id, entry.at, entry.actor_kind, entry.actor, entry.action, entry.detail)
        return timeline.what(line, names)
    detail = LOOKED.get(entry.detail, entry.detail) if entry.detail else None
    return f"{words}: {detail}" if detail else words
