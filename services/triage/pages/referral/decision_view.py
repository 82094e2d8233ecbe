"""Decisions as the pages show them: why, before and after, and what nearly was different. Pure.

A decision with each rule's meaning, the facts it used and the words for parents; a person's choice beside the decision
so far; the rules that would appear when one fact is nudged; what a draft of the policy would change.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final, NamedTuple, TypeVar

from services.triage.pages.labels import routes_in_words, rule_meaning, used_facts
from services.triage.policy_preview import Changes
from services.triage.rules import CATALOGUE, decide
from services.triage.rules.assemble import LISTED
from services.triage.rules.model import day_of_receipt, days_pregnant, support_ends_on
from services.triage.work_items.conditions import is_call, is_unread_safety, stays_open
from services.triage.work_items.item import ItemDetails
from shared.events import (
    Consent,
    DecidedBy,
    Decision,
    Domain,
    Eligibility,
    Facts,
    Kind,
    Place,
    PlaceQuality,
    PolicyRef,
    RiskFactor,
    Severity,
)
from shared.pages.wording import ELIGIBILITIES, MODES, route_name, rule_group, tier_name, urgency_name
from shared.policy import Policy
from shared.working_time import months_later

BIRTHDAY_DAYS: Final = 28
PREGNANCY_DAYS: Final = 14
OPENING_DAYS: Final = 60
"""How near a day has to be to be worth a word: a month, two weeks, two months."""

LADDER: Final = (Severity.NONE, Severity.MILD, Severity.MODERATE, Severity.SEVERE)

_GIVES: Final = {
    "N2": "would make this longer-term work",
    "N3": "would make this short-term work",
    "N4": "would make this targeted help",
    "A2": "would bring it to a person: it would be far from what was asked for",
    "A4": "would bring it to a person: the facts would not fit together",
    "E5": "would bring it to a person: the child would be just past the age",
    "E6": "would propose to decline: the child would be past the age",
    "E6p": "would bring it to a person: born early, and past the age",
    "E8": "would open the service to the family: their ward would be open",
    "M1": "would mean first contact sooner",
    "M7": "would make it urgent: little time would be left",
    "M8": "would put the family on a waiting list: that team is full",
    "S4": "would make it urgent: the birth would be near",
}
"""What a rule would do, in words that follow the nudge; other rules are told with their meaning."""

C = TypeVar("C", bound=StrEnum)


def decision_view(
    decision: Mapping[str, Any],
    *,
    policies: Iterable[Policy],
    in_force: Policy,
    names: Mapping[str, str],
    reasons: Mapping[str, str],
) -> dict[str, Any]:
    """`decision` as the API answers it, with who made it and each rule that fired.

    `reasons` are what persons wrote, by the moment of their decision, for those who may read it.
    """
    ref = PolicyRef.model_validate(decision["policy"])
    policy = next((each for each in policies if each.ref == ref), None)
    is_persons = decision["decided_by"] == DecidedBy.PERSON
    says = "A person decided" if is_persons else MODES[decision["mode"]]
    if decision["eligibility"] != Eligibility.ELIGIBLE:
        says = f"{says}. {ELIGIBILITIES[decision['eligibility']]}"
    return {
        **decision,
        "says": f"{says}.",
        "where": routes_in_words(decision["routes"]),
        "is_persons": is_persons,
        "made_by": names.get(decision["actor"], decision["actor"]) if is_persons else "The rules",
        "reason": reasons.get(decision["decided_at"]) if is_persons else None,
        "fired": [
            {
                "rule": "A person" if each["rule"] == "person" else each["rule"],
                "group": rule_group(each["rule"]),
                "meaning": rule_meaning(each["rule"], policy),
                "facts": used_facts(each.get("facts") or {}, policy or in_force),
                "text": each["text"],
            }
            for each in decision["reasons"]
        ],
    }


def before_and_after(told: ItemDetails, typed: Mapping[str, Any], work: Collection[Any]) -> dict[str, Any]:
    """What a person's choice changes, as (what, before, after), and what becomes of `work`, the open items as stored.

    An urgency that is left out stays as it is.
    """
    before = told.item["decision"] or {"routes": [], "tier": None, "urgency": told.row.urgency}
    routes, urgency = typed.get("routes", []), typed.get("urgency") or before["urgency"]
    stale = [each for each in work if each.route not in routes and not _stays(each, told)]
    kept = [each for each in work if each not in stale]
    held = {each.route for each in kept if not is_call(each)}
    return {
        "changes": [
            ("Where to", routes_in_words(before["routes"]) or "Nowhere yet", routes_in_words(routes)),
            ("Level of support", *(tier_name(tier) or "None" for tier in (before["tier"], typed.get("tier")))),
            ("How soon", urgency_name(before["urgency"]), urgency_name(urgency)),
        ],
        "opens": [route_name(route) for route in routes if route not in held],
        "ends": [route_name(each.route) for each in stale],
        "stays": [route_name(each.route) for each in kept],
    }


def _stays(work: Any, told: ItemDetails) -> bool:
    """As the step itself does; whoever decides has read this item and takes it on."""
    return stays_open(work, decided_on=told.id) and not (work.id == told.id and is_unread_safety(work))


class ChangeView(NamedTuple):
    """What a draft would change, in words: rules as (rule, meaning, gained, lost), the rest with how many referrals.

    `examples` pairs a reference with the parts that would turn out otherwise, as (what, before, after).
    """

    rules: list[tuple[str, str, int, int]]
    wards: list[tuple[str, int]]
    tiers: list[tuple[str, str, int]]
    examples: list[tuple[str, list[tuple[str, str, str]]]]
    has_other_words: bool
    """The draft's safety words differ: they were looked for on arrival, so the comparison can't show it."""


def shown_changes(changes: Changes, draft: Policy, live: Policy, known: Iterable[Policy]) -> ChangeView:
    """`known` are policies whose wards have names, beside the draft's and the live one's."""
    names: dict[str | None, str] = {ward.code: ward.name for policy in (*known, live, draft) for ward in policy.wards}
    names[None] = "No ward is known"
    return ChangeView(
        rules=[
            (rule, rule_meaning(rule, draft), changes.gained[rule], changes.lost[rule])
            for rule in LISTED
            if rule in changes.gained or rule in changes.lost
        ],
        wards=[(names.get(ward, ward or ""), count) for ward, count in changes.wards.most_common()],
        tiers=[(_tier(before), _tier(after), count) for (before, after), count in changes.tiers.most_common()],
        examples=[(each.reference, _turns(each.before, each.after)) for each in changes.examples],
        has_other_words=set(draft.words.safety) != set(live.words.safety),
    )


def _tier(tier: str | None) -> str:
    return tier_name(tier) or "none yet"


def _turns(before: Decision, after: Decision) -> list[tuple[str, str, str]]:
    pairs = zip(_parts(before).items(), _parts(after).values(), strict=True)
    return [(what, was, becomes) for (what, was), becomes in pairs if was != becomes]


def _parts(decision: Decision) -> dict[str, str]:
    return {
        "Eligible": ELIGIBILITIES[decision.eligibility],
        "Who decides": MODES[decision.mode],
        "Level of support": _tier(decision.tier),
        "Goes to": ", ".join(map(route_name, decision.routes)),
        "Urgency": urgency_name(decision.urgency),
        "Rules": ", ".join(decision.rules),
    }


def near(facts: Facts, *, received_at: datetime, policy: Policy) -> dict[str, str]:
    """The rules that one nudge would add, each with a sentence, in the order of the nudges; none for an enquiry."""
    if facts.kind is not Kind.FAMILY:
        return {}
    now = set(decide(facts, received_at=received_at, policy=policy).rules)
    found: dict[str, str] = {}
    for words, nudged, later in _nudges(facts, received_at=received_at, policy=policy):
        for rule in decide(nudged, received_at=later, policy=policy).rules:
            if rule not in now and rule in CATALOGUE:
                found.setdefault(rule, f"{words} {_gives(rule)}.")
    return found


def _gives(rule: str) -> str:
    return _GIVES.get(rule) or f"would bring in another rule about this: {rule_group(rule).lower()}"


def _nudges(facts: Facts, *, received_at: datetime, policy: Policy) -> Iterator[tuple[str, Facts, datetime]]:
    """Every fact a little different, and the same facts a little later, with words for it: need first, then time."""

    def concern(**changes: Any) -> Facts:
        return facts.model_copy(update={"concern": facts.concern.model_copy(update=changes)})

    severity = facts.concern.severity
    if domain := _another(Domain, facts.concern.domains):
        yield "One more area of concern", concern(domains=(*facts.concern.domains, domain)), received_at
    if factor := _another(RiskFactor, facts.risk_factors):
        more = facts.model_copy(update={"risk_factors": (*facts.risk_factors, factor)})
        yield "One more risk factor", more, received_at
    if severity in LADDER[:-1]:
        worse = LADDER[LADDER.index(severity) + 1]
        yield "A concern one step more severe", concern(severity=worse), received_at
    today = day_of_receipt(received_at)
    for day, what in sorted(_days_ahead(facts, on=today, policy=policy)):
        days = (day - today).days
        after = f"{days} day{'' if days == 1 else 's'}"
        yield f"A referral {after} later ({what})", facts, received_at + timedelta(days=days)


def _another(codes: type[C], named: Sequence[C]) -> C | None:
    """A code that is not named yet: the rules only count them."""
    return next((code for code in codes if code not in named), None)


def _days_ahead(facts: Facts, *, on: date, policy: Policy) -> Iterator[tuple[date, str]]:
    """Days that change something and are near: the end of support, late pregnancy, the opening of the ward."""
    born_on, due_on = facts.infant.born_on, facts.infant.unborn_due_on
    if born_on:
        ends, short = support_ends_on(born_on, policy.age), months_later(born_on, policy.priority.time_short_months)
        if 0 < (ends - on).days <= BIRTHDAY_DAYS:
            yield ends, "the birthday on which support ends"
        if 0 < (short - on).days <= BIRTHDAY_DAYS:
            yield short, f"at {policy.priority.time_short_months} months old"
    if due_on:
        missing = policy.priority.late_pregnancy_days - days_pregnant(due_on, on, policy.age)
        if 0 < missing <= PREGNANCY_DAYS:
            yield on + timedelta(days=missing), "late in the pregnancy"
    ward = policy.ward_by_code.get(facts.place.ward or "")
    if ward and ward.opens_on and 0 < (ward.opens_on - on).days <= OPENING_DAYS:
        yield ward.opens_on, f"when the service opens in {ward.name}"


def without_the_decline(facts: Facts, *, received_at: datetime, policy: Policy) -> Decision:
    """What the need alone would have given: as if consent, age and place were no question."""
    ward = next(ward.code for ward in policy.wards if ward.opens_on)
    opened = max(received_at.date(), *(ward.opens_on for ward in policy.wards if ward.opens_on))
    infant = facts.infant.model_copy(update={"born_on": opened - timedelta(days=365), "due_on": None})
    place = Place(ward=ward, authority=policy.authority, quality=PlaceQuality.KNOWN)
    clear = facts.model_copy(update={"infant": infant, "place": place, "consent": Consent.GIVEN})
    as_of = received_at + timedelta(days=(opened - received_at.date()).days)
    return decide(clear, received_at=as_of, policy=policy)
