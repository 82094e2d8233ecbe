"""How often what happens: the cards of 300 families."""

from __future__ import annotations

from random import Random
from typing import Final

from services.referral.demo import twists
from services.referral.demo.twists import Twist

FAMILIES: Final = 300
DECK: Final[tuple[tuple[int, Twist], ...]] = (
    (24, twists.other_ward),
    (8, twists.other_area),
    (5, twists.over_two),
    (3, twists.just_two),
    (1, twists.born_early_and_over_two),
    (2, twists.long_overdue),
    (1, twists.without_dates),
    (2, twists.no_fixed_abode),
    (3, twists.withheld_address),
    (2, twists.unknown_postcode),
    (1, twists.no_address),
    (4, twists.consent("refused")),
    (6, twists.consent("not_sought")),
    (2, twists.consent("disputed")),
    (7, twists.domestic_abuse),
    (2, twists.significant_harm),
    (1, twists.immediate_danger),
    (1, twists.red_flag("self_harm_new")),
    (1, twists.red_flag("psychosis_suspected")),
    (2, twists.infant_died),
    (1, twists.pregnancy_ended),
    (4, twists.care("cp_plan")),
    (3, twists.before_birth),
    (2, twists.care("lac_own_la")),
    (1, twists.care("lac_other_la")),
    (14, twists.father_first),
    (2, twists.partner_first),
    (4, twists.with_grandmother),
    (2, twists.new_parents("foster")),
    (1, twists.new_parents("adoptive")),
    (2, twists.very_young_parent),
    (6, twists.born_together(2)),
    (1, twists.born_together(3)),
    (3, twists.to_be_told_in("easy_read")),
    (2, twists.to_be_told_in("bsl")),
    (1, twists.to_be_told_in("large_print", "audio")),
    (3, twists.safety_words),
    (9, twists.mental_health("moderate")),
    (3, twists.mental_health("severe")),
    (3, twists.mental_health("severe_history_well")),
    (3, twists.circumstance("planned_move_out")),
    (1, twists.circumstance("court_assessment_request")),
    (3, twists.wish_is_far_away),
    (2, twists.facts_disagree),
    (4, twists.not_seen_together),
    (4, twists.of_their_own_accord),
    (3, twists.wrong_nhs_number),
    (1, twists.long_names),
)
"""How many families have which twist; the others are ordinary."""


def cards(count: int, chance: Random) -> list[Twist]:
    """So many cards, shuffled."""
    drawn: list[Twist] = []
    while len(drawn) < count:
        fresh = [twist for many, twist in DECK for _ in range(many)]
        fresh += [twists.ordinary] * (FAMILIES - len(fresh))
        chance.shuffle(fresh)
        drawn += fresh
    return drawn[:count]
