"""A decision before and after, side by side: what changes for the family, and what becomes of the open work. Pure."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final, NamedTuple

from services.triage.pages.words import routes_in_words
from services.triage.work_items.conditions import UNDELIVERABLE, is_unread_safety, outlives
from services.triage.work_items.item import ItemDetails
from shared.pages.wording import route_name, tier_name, urgency_name

NO_TIER: Final = "None"


class Change(NamedTuple):
    """One line of the comparison."""

    what: str
    before: str
    after: str

    @property
    def is_changed(self) -> bool:
        return self.before != self.after


class Preview(NamedTuple):
    """What is compared, and what the decision would do to the work of the referral."""

    changes: list[Change]
    opens: list[str]
    ends: list[str]
    stays: list[str]


def before_and_after(told: ItemDetails, typed: dict[str, Any], work: Collection[Any]) -> Preview:
    """Of what somebody chose; an urgency that is left out stays as it is. `work` are the open items as stored."""
    before = told.item["decision"] or {"routes": [], "tier": None, "urgency": told.row.urgency}
    routes, urgency = typed.get("routes", []), typed.get("urgency") or before["urgency"]
    tiers = [tier_name(tier) or NO_TIER for tier in (before["tier"], typed.get("tier"))]
    changes = [
        Change("Where to", routes_in_words(before["routes"]) or "Nowhere yet", routes_in_words(routes)),
        Change("Level of support", *tiers),
        Change("How soon", urgency_name(before["urgency"]), urgency_name(urgency)),
    ]
    stale = [each for each in work if each.route not in routes and not _stays(each, told)]
    kept = [each for each in work if each not in stale]
    held = {each.route for each in kept if UNDELIVERABLE not in each.marks}
    return Preview(
        changes,
        opens=[route_name(route) for route in routes if route not in held],
        ends=[route_name(each.route) for each in stale],
        stays=[route_name(each.route) for each in kept],
    )


def _stays(work: Any, told: ItemDetails) -> bool:
    """As the step itself does; whoever decides has read this item and takes it on."""
    return outlives(work) and not (work.id == told.id and is_unread_safety(work))
