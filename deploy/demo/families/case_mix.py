"""How often what happens among 300 families."""

from __future__ import annotations

from random import Random
from typing import Final

from deploy.demo.families import special_cases
from deploy.demo.families.special_cases import SpecialCase

FAMILIES: Final = 300
_SPECIAL: Final[tuple[tuple[SpecialCase, int], ...]] = (
    (special_cases.other_ward, 24),
    (special_cases.other_area, 8),
    (special_cases.over_two, 5),
    (special_cases.just_two, 3),
    (special_cases.born_early_and_over_two, 1),
    (special_cases.long_overdue, 2),
    (special_cases.without_dates, 1),
    (special_cases.no_fixed_abode, 2),
    (special_cases.withheld_address, 3),
    (special_cases.unknown_postcode, 2),
    (special_cases.no_address, 1),
    (special_cases.consent("refused"), 4),
    (special_cases.consent("not_sought"), 6),
    (special_cases.consent("disputed"), 2),
    (special_cases.domestic_abuse, 7),
    (special_cases.significant_harm, 7),
    (special_cases.immediate_danger, 1),
    (special_cases.red_flag("self_harm_new"), 1),
    (special_cases.red_flag("psychosis_suspected"), 1),
    (special_cases.infant_died, 2),
    (special_cases.pregnancy_ended, 1),
    (special_cases.care("cp_plan"), 4),
    (special_cases.before_birth, 3),
    (special_cases.care("lac_own_la"), 2),
    (special_cases.care("lac_other_la"), 1),
    (special_cases.father_first, 30),
    (special_cases.partner_first, 2),
    (special_cases.with_grandmother, 4),
    (special_cases.new_parents("foster"), 2),
    (special_cases.new_parents("adoptive"), 1),
    (special_cases.very_young_parent, 2),
    (special_cases.born_together(2), 6),
    (special_cases.born_together(3), 1),
    (special_cases.to_be_told_in("easy_read"), 3),
    (special_cases.to_be_told_in("bsl"), 2),
    (special_cases.to_be_told_in("large_print", "audio"), 1),
    (special_cases.safety_words, 3),
    (special_cases.mental_health("moderate"), 9),
    (special_cases.mental_health("severe"), 3),
    (special_cases.mental_health("severe_history_well"), 3),
    (special_cases.circumstance("planned_move_out"), 3),
    (special_cases.circumstance("court_assessment_request"), 1),
    (special_cases.wish_is_far_away, 3),
    (special_cases.facts_disagree, 2),
    (special_cases.not_seen_together, 4),
    (special_cases.of_their_own_accord, 4),
    (special_cases.wrong_nhs_number, 3),
    (special_cases.long_names, 1),
)
CASE_MIX: Final = (*_SPECIAL, (special_cases.ordinary, FAMILIES - sum(many for _, many in _SPECIAL)))
"""How many families have which case."""


def draw(count: int, chance: Random) -> list[SpecialCase]:
    """So many cases, shuffled."""
    drawn: list[SpecialCase] = []
    while len(drawn) < count:
        fresh = [case for case, many in CASE_MIX for _ in range(many)]
        chance.shuffle(fresh)
        drawn += fresh
    return drawn[:count]
