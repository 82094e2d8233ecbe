"""How often what happens among 300 families."""

from __future__ import annotations

from random import Random
from typing import Final

from deploy.demo.families import special_cases
from deploy.demo.families.special_cases import SpecialCase

FAMILIES: Final = 300
CASE_MIX: Final[tuple[tuple[int, SpecialCase], ...]] = (
    (24, special_cases.other_ward),
    (8, special_cases.other_area),
    (5, special_cases.over_two),
    (3, special_cases.just_two),
    (1, special_cases.born_early_and_over_two),
    (2, special_cases.long_overdue),
    (1, special_cases.without_dates),
    (2, special_cases.no_fixed_abode),
    (3, special_cases.withheld_address),
    (2, special_cases.unknown_postcode),
    (1, special_cases.no_address),
    (4, special_cases.consent("refused")),
    (6, special_cases.consent("not_sought")),
    (2, special_cases.consent("disputed")),
    (7, special_cases.domestic_abuse),
    (7, special_cases.significant_harm),
    (1, special_cases.immediate_danger),
    (1, special_cases.red_flag("self_harm_new")),
    (1, special_cases.red_flag("psychosis_suspected")),
    (2, special_cases.infant_died),
    (1, special_cases.pregnancy_ended),
    (4, special_cases.care("cp_plan")),
    (3, special_cases.before_birth),
    (2, special_cases.care("lac_own_la")),
    (1, special_cases.care("lac_other_la")),
    (30, special_cases.father_first),
    (2, special_cases.partner_first),
    (4, special_cases.with_grandmother),
    (2, special_cases.new_parents("foster")),
    (1, special_cases.new_parents("adoptive")),
    (2, special_cases.very_young_parent),
    (6, special_cases.born_together(2)),
    (1, special_cases.born_together(3)),
    (3, special_cases.to_be_told_in("easy_read")),
    (2, special_cases.to_be_told_in("bsl")),
    (1, special_cases.to_be_told_in("large_print", "audio")),
    (3, special_cases.safety_words),
    (9, special_cases.mental_health("moderate")),
    (3, special_cases.mental_health("severe")),
    (3, special_cases.mental_health("severe_history_well")),
    (3, special_cases.circumstance("planned_move_out")),
    (1, special_cases.circumstance("court_assessment_request")),
    (3, special_cases.wish_is_far_away),
    (2, special_cases.facts_disagree),
    (4, special_cases.not_seen_together),
    (4, special_cases.of_their_own_accord),
    (3, special_cases.wrong_nhs_number),
    (1, special_cases.long_names),
)
"""How many families have which case; the others are ordinary."""


_OUT_OF_THE_ORDINARY: Final = sum(many for many, _ in CASE_MIX)
WEIGHED_CASES: Final[tuple[tuple[SpecialCase, int], ...]] = (
    (special_cases.ordinary, FAMILIES - _OUT_OF_THE_ORDINARY),
    *((case, many) for many, case in CASE_MIX),
)


def draw(count: int, chance: Random) -> list[SpecialCase]:
    """So many cases, shuffled."""
    drawn: list[SpecialCase] = []
    while len(drawn) < count:
        fresh = [case for case, many in WEIGHED_CASES for _ in range(many)]
        chance.shuffle(fresh)
        drawn += fresh
    return drawn[:count]
