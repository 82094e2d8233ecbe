"""What a draft would change, as its page shows it: rules, wards and tiers in words, and examples."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from services.triage.pages.words import rule_meaning
from services.triage.policy_preview import Changes, Example
from services.triage.rules.assemble import LISTED
from shared.events import Decision
from shared.pages.wording import ELIGIBILITIES, MODES, route_name, tier_name, urgency_name
from shared.policy import Policy

NO_TIER = "no tier yet"


class RuleLine(NamedTuple):
    rule: str
    meaning: str
    gained: int
    lost: int


class Turn(NamedTuple):
    """One part of a decision that would be another."""

    what: str
    before: str
    after: str


class Shown(NamedTuple):
    """In words; `examples` pairs a reference with what would turn out otherwise."""

    rules: list[RuleLine]
    wards: list[tuple[str, int]]
    tiers: list[tuple[str, str, int]]
    examples: list[tuple[str, list[Turn]]]
    has_other_words: bool
    """The draft's safety words differ: they were looked for on arrival, so the comparison can't show it."""


def shown_changes(changes: Changes, draft: Policy, live: Policy, known: Iterable[Policy]) -> Shown:
    """`known` are policies whose wards have names, beside the draft's and the live one's."""
    names = {ward.code: ward.name for policy in (*known, live, draft) for ward in policy.wards}
    return Shown(
        rules=[
            RuleLine(rule, rule_meaning(rule, draft), changes.gained[rule], changes.lost[rule])
            for rule in LISTED
            if rule in changes.gained or rule in changes.lost
        ],
        wards=[
            (names.get(ward, ward) if ward else "No ward is known", count)
            for ward, count in changes.wards.most_common()
        ],
        tiers=[
            (tier_name(before) or NO_TIER, tier_name(after) or NO_TIER, count)
            for (before, after), count in changes.tiers.most_common()
        ],
        examples=[(example.reference, _turns(example)) for example in changes.examples],
        has_other_words=set(draft.words.safety) != set(live.words.safety),
    )


def _turns(example: Example) -> list[Turn]:
    pairs = zip(_parts(example.before), _parts(example.after), strict=True)
    return [Turn(what, before, after) for (what, before), (_, after) in pairs if before != after]


def _parts(decision: Decision) -> list[tuple[str, str]]:
    return [
        ("Eligible", ELIGIBILITIES[decision.eligibility]),
        ("Who decides", MODES[decision.mode]),
        ("Tier", tier_name(decision.tier) or NO_TIER),
        ("Goes to", ", ".join(map(route_name, decision.routes))),
        ("Urgency", urgency_name(decision.urgency)),
        ("Rules", ", ".join(decision.rules)),
    ]
