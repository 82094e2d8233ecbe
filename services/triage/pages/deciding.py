"""Decisions as the page shows them: each rule with its meaning, the facts it used and the words for parents. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from services.triage.pages.words import rule_meaning, used_facts
from shared.events import DecidedBy, PolicyRef
from shared.policy import Policy


class Fired(NamedTuple):
    """A rule of a decision; `text` is what a parent may read."""

    rule: str
    meaning: str
    facts: list[tuple[str, str]]
    text: str


class Shown(NamedTuple):
    """A decision: who made it and when, what it says, and by which policy."""

    made_by: str
    at: str
    mode: str
    eligibility: str
    tier: str | None
    urgency: str
    routes: list[str]
    policy: str
    policy_href: str
    fired: list[Fired]
    is_persons: bool
    reason: str | None
    """What the person wrote, for those who may read it."""


def shown(
    decision: Mapping[str, Any],
    *,
    policies: Iterable[Policy],
    in_force: Policy,
    names: Mapping[str, str],
    reasons: Mapping[str, str],
) -> Shown:
    """`decision` as the API answers it; `reasons` are what persons wrote, by the moment of their decision."""
    ref = PolicyRef.model_validate(decision["policy"])
    policy = next((each for each in policies if each.ref == ref), None)
    is_persons = decision["decided_by"] == DecidedBy.PERSON
    return Shown(
        made_by=names.get(decision["actor"], decision["actor"]) if is_persons else "The rules",
        at=decision["decided_at"],
        mode=decision["mode"],
        eligibility=decision["eligibility"],
        tier=decision["tier"],
        urgency=decision["urgency"],
        routes=list(decision["routes"]),
        policy=f"{ref.id}, version {ref.version}",
        policy_href=f"/staff/policy/{ref.id}/{ref.version}",
        fired=[_fired(reason, policy, in_force) for reason in decision["reasons"]],
        is_persons=is_persons,
        reason=reasons.get(decision["decided_at"]) if is_persons else None,
    )


def _fired(reason: Mapping[str, Any], policy: Policy | None, in_force: Policy) -> Fired:
    rule = str(reason["rule"])
    used = used_facts(reason.get("facts") or {}, policy or in_force)
    return Fired("A person" if rule == "person" else rule, rule_meaning(rule, policy), used, str(reason["text"]))
