"""What differs between the decisions that were made and those that a policy would make: counts and examples."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final, NamedTuple

from shared.events import Decision, Tier

EXAMPLES: Final = 20
_ESSENCE: Final = ("eligibility", "mode", "tier", "routes", "urgency", "rules")
"""What a change of makes a decision another one; its words and the policy it names do not."""


class Example(NamedTuple):
    reference: str
    before: Decision
    after: Decision


class Changes:
    """Counted one by one; `wards` and `tiers` of those that changed, None where there is none."""

    def __init__(self) -> None:
        self.compared = 0
        self.changed = 0
        self.gained: Counter[str] = Counter()
        self.lost: Counter[str] = Counter()
        self.wards: Counter[str | None] = Counter()
        self.tiers: Counter[tuple[Tier | None, Tier | None]] = Counter()
        self.examples: list[Example] = []

    def compare(self, reference: str, ward: str | None, before: Decision, after: Decision) -> None:
        """Count one referral; the first that changed are kept as examples."""
        self.compared += 1
        if all(getattr(before, name) == getattr(after, name) for name in _ESSENCE):
            return
        self.changed += 1
        self.gained.update(set(after.rules) - set(before.rules))
        self.lost.update(set(before.rules) - set(after.rules))
        self.wards[ward] += 1
        self.tiers[before.tier, after.tier] += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append(Example(reference, before, after))

    def summary(self) -> dict[str, Any]:
        """As the API answers: rules with `+` gained, with `-` lost; the most frequent first."""
        rules = Counter({f"+{rule}": count for rule, count in self.gained.items()})
        rules.update({f"-{rule}": count for rule, count in self.lost.items()})
        return {
            "referrals": self.compared,
            "changed": self.changed,
            "by_rule": dict(rules.most_common()),
            "by_ward": {ward or "none": count for ward, count in self.wards.most_common()},
            "by_tier": {f"{old or 'none'} → {new or 'none'}": count for (old, new), count in self.tiers.most_common()},
            "examples": [
                {"reference": each.reference, "before": _shown(each.before), "after": _shown(each.after)}
                for each in self.examples
            ],
        }


def _shown(decision: Decision) -> dict[str, Any]:
    return decision.model_dump(mode="json", include=set(_ESSENCE))
