"""What worries the referrer: levels of need as such a service sees them, and what practitioners write about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from deploy.demo.families.hand import Hand
from shared.events import ComplexHistory, Domain, RiskFactor

Family = dict[str, Any]
"""A referral as JSON, in the making; `{parent}` and `{baby}` in its notes become names at the end."""

_DOMAINS: Final = [domain.value for domain in Domain]
_HISTORY: Final = [history.value for history in ComplexHistory]
_STRENGTHS: Final = ("engages_with_services", "supportive_family", "stable_home", "warm_moments_seen")
_AFTER_BIRTH: Final = {RiskFactor.PREMATURITY, RiskFactor.FEEDING_OR_SLEEP, RiskFactor.TRAUMATIC_BIRTH}
_BEFORE_BIRTH: Final = [risk.value for risk in RiskFactor if risk not in {*_AFTER_BIRTH, RiskFactor.YOUNG_PARENT}]
_ANY_TIME: Final = [risk.value for risk in RiskFactor if risk is not RiskFactor.YOUNG_PARENT]


@dataclass(frozen=True, slots=True)
class Level:
    """A level of need. `share` is of what is referred: families with little need are seldom referred.

    `severity` with weights; least and most `domains`, `risks` and complex `history`; notes of born and unborn babies.
    """

    share: int
    severity: tuple[tuple[str, int], ...]
    domains: tuple[int, int]
    risks: tuple[int, int]
    history: tuple[int, int]
    born: tuple[str, ...]
    unborn: tuple[str, ...]


UNIVERSAL: Final = Level(
    share=12,
    severity=(("none", 1),),
    domains=(0, 0),
    risks=(0, 1),
    history=(0, 0),
    born=(
        "{parent} would like to meet other parents with babies. {baby} is feeding and sleeping well.",
        "First baby. {parent} is a bit unsure what {baby} wants to say, and would enjoy a group.",
        "A warm start for {baby}. {parent} asked what the Family Hub offers.",
    ),
    unborn=("{parent} is looking forward to the baby and asked about groups before the birth.",),
)
TARGETED: Final = Level(
    share=32,
    severity=(("mild", 1),),
    domains=(0, 1),
    risks=(1, 4),
    history=(0, 0),
    born=(
        "{parent} is worn out and says days with {baby} feel long. Few people nearby. Open to help.",
        "Feeding has been hard since the birth. {parent} takes it as a failure of their own and cries often.",
        "The family moved here in the summer and knows nobody. {parent} worries about doing it wrong with {baby}.",
        "{parent} says: 'I do everything for {baby}, but I don't feel it.' We spoke about it twice.",
    ),
    unborn=(
        "{parent} keeps busy and changes the subject when we speak about the baby. Alone most days.",
        "{parent} is not sleeping and says it all came too soon. Would like somebody to talk to.",
    ),
)
SHORT_TERM: Final = Level(
    share=44,
    severity=(("moderate", 8), ("severe", 1)),
    domains=(1, 2),
    risks=(1, 4),
    history=(0, 0),
    born=(
        "{parent} finds it hard to look at {baby} and to read the cries. {baby} turns away when picked up.",
        "After a hard birth {parent} leaves {baby} in the cot for long. There are warm moments at bath time.",
        "{parent} says {baby} is 'angry with me'. Handling is quick and silent. Wants things to be different.",
        "{baby} was in neonatal care for weeks. {parent} is afraid to hold {baby} and asks others to do it.",
    ),
    unborn=(
        "{parent} lost a baby last year and dares not think of this one. Has bought nothing yet.",
        "{parent} speaks of the bump as 'it' and dreads the birth after what happened the first time.",
    ),
)
LONG_TERM: Final = Level(
    share=12,
    severity=(("severe", 1),),
    domains=(3, 5),
    risks=(2, 5),
    history=(0, 2),
    born=(
        "{parent} grew up in care and says nobody showed how to be with a baby. {baby} is watchful and still.",
        "{baby} startles when {parent} comes near and then freezes. {parent} sees rejection in ordinary crying.",
        "An older child lives elsewhere. {parent} wants this time to be another story and has asked for help early.",
    ),
    unborn=(
        "{parent} has a long history of trauma, is afraid of becoming like the own parents, and asks for help now.",
    ),
)
LEVELS: Final = (UNIVERSAL, TARGETED, SHORT_TERM, LONG_TERM)


def add_need(family: Family, hand: Hand, level: Level | None = None) -> None:
    """A level of need (drawn when none is given), strengths, and the words for it."""
    level = level or hand.weighed([(each, each.share) for each in LEVELS])
    is_born = any("date_of_birth" in baby for baby in family["babies"])
    family["concern"] = {
        "severity": hand.weighed(level.severity),
        "domains": hand.some(_DOMAINS, *level.domains),
        "parent_was_asked": hand.happens(0.6),
    }
    family["risk_factors"] = hand.some(_ANY_TIME if is_born else _BEFORE_BIRTH, *level.risks)
    family["complex_history"] = hand.some(_HISTORY, *level.history)
    family["strengths"] = hand.some(_STRENGTHS, 0, 3)
    family["notes"] = hand.of(level.born if is_born else level.unborn)
    if hand.happens(0.12):
        family["mental_health"] = "mild"
