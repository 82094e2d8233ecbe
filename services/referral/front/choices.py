"""The choices of the form: each code of a list with plain words; where staff read the same words, from there."""

from __future__ import annotations

from typing import Final

from services.referral.document.codes import (
    ETHNIC_CATEGORIES,
    CommunicationNeed,
    Gender,
    MessageChannel,
    Strength,
    ToldBy,
)
from services.referral.front.form import NONE, Choice
from shared.events import (
    RED_FLAGS,
    Carer,
    CareStatus,
    Circumstance,
    ComplexHistory,
    Consent,
    Domain,
    MentalHealth,
    RiskFactor,
    Safety,
    Severity,
    Tier,
)
from shared.pages import facts
from shared.pages.names import language_name
from shared.pages.wording import TIERS, Words, sources


def _choices(words: Words, hints: Words | None = None) -> tuple[Choice, ...]:
    return tuple(Choice(str(code), label, (hints or {}).get(code, "")) for code, label in words.items())


YES_OR_NO: Final = (Choice("true", "Yes"), Choice("false", "No"), Choice("", "I do not know"))
"""An empty value takes an answer back: a browser cannot undo the choice of a radio."""

SAFETY: Final = (
    *_choices(
        facts.SAFETY,
        {
            Safety.IMMEDIATE_DANGER: "Ring 999 first. Then tick this and send what you have.",
            Safety.INJURY_NONMOBILE: "Any bruise, burn or break, even a small one.",
            Safety.SIGNIFICANT_HARM: "You think that a child is being hurt or neglected, or soon may be.",
            Safety.DOMESTIC_ABUSE: "One person at home hurts, scares or controls another. "
            "If anybody is in danger, tick that too.",
        },
    ),
    Choice(NONE, "None of these"),
)

_MENTAL_HEALTH_HINTS: Final[Words] = {
    MentalHealth.MILD: "Some low or worried days. They manage day by day.",
    MentalHealth.MODERATE: "Most days are hard. They need some help.",
    MentalHealth.SEVERE: "They are very unwell, or cannot look after themselves or the baby.",
    MentalHealth.SEVERE_HISTORY_WELL: "For example they have bipolar, or were very ill after a birth.",
    MentalHealth.PSYCHOSIS_SUSPECTED: "They see, hear or believe things that are not real.",
    MentalHealth.SELF_HARM_NEW: "They hurt themselves, or think of it, or of ending their life.",
    MentalHealth.ESTRANGEMENT: "They say that the baby is not theirs, or that they feel nothing for the baby.",
    MentalHealth.HARM_BABY_PLAN: "They think of it, or say how they would do it.",
}
RED_FLAG_CHOICES: Final = (
    *_choices({code: words for code, words in facts.MENTAL_HEALTH.items() if code in RED_FLAGS}, _MENTAL_HEALTH_HINTS),
    Choice(NONE, "None of these"),
)
OTHER_MENTAL_HEALTH: Final = _choices(
    {code: words for code, words in facts.MENTAL_HEALTH.items() if code not in RED_FLAGS}
    | {MentalHealth.NONE: "No worry that I know of"},
    _MENTAL_HEALTH_HINTS,
)

CONSENT: Final = _choices(
    facts.CONSENTS,
    {
        Consent.GIVEN: "They know what you write here, and they want it to be sent.",
        Consent.REFUSED: "Then we give you advice instead. If a child is not safe, you can go on without a yes.",
        Consent.NOT_SOUGHT: "You can send this. We will ask you to talk with them first.",
        Consent.DISPUTED: "For example, one parent says yes and the other says no.",
    },
)
CIRCUMSTANCES: Final = _choices(
    facts.CIRCUMSTANCES,
    {
        Circumstance.INFANT_DIED: "We are so sorry. A person will read this before anybody gets in touch.",
        Circumstance.PREGNANCY_ENDED: "At any time, and for any reason.",
        Circumstance.PLANNED_MOVE_OUT: "They will soon live in another area.",
        Circumstance.COURT_ASSESSMENT_REQUEST: "A person will look at what the court asks for.",
    },
)
CARERS: Final = _choices(
    facts.CARERS,
    {
        Carer.PARTNER: "The partner of a parent, who helps to bring the baby up.",
        Carer.KINSHIP: "A grandparent, aunt, brother or friend who brings the baby up.",
    },
)
SEVERITIES: Final = _choices(
    {
        Severity.NONE: "I am not worried about the relationship",
        Severity.MILD: "I am a little worried",
        Severity.MODERATE: "I am worried",
        Severity.SEVERE: "I am very worried",
        Severity.UNKNOWN: "I have not seen them together",
    },
    {
        Severity.NONE: "They enjoy each other. The family would like ideas or company.",
        Severity.MILD: "It is hard at times. There are warm moments too.",
        Severity.MODERATE: "It is hard on most days. The baby or the carer is often upset or turns away.",
        Severity.SEVERE: "It is hard nearly all the time. The baby seems scared, very still, or cannot be soothed.",
        Severity.UNKNOWN: "Or the baby is not born yet, or you cannot tell. That is fine.",
    },
)
SEVERITIES_AFTER_LOSS: Final = (
    Choice(Severity.UNKNOWN, "I do not want to say more about this now"),
    Choice(Severity.NONE, "I have no worries to tell of"),
    *(Choice(choice.value, choice.label) for choice in SEVERITIES[1:-1]),
)
"""Without the hints: they tell of a baby who lives."""
DOMAINS: Final = _choices(
    facts.DOMAINS,
    {
        Domain.MAIN_CARER: "How the baby and the carer look at, hold, soothe and enjoy each other.",
        Domain.EMOTIONAL: "How the baby shows feelings and is helped to calm down.",
        Domain.COGNITIVE: "How the baby looks around, plays and finds out about things.",
        Domain.SENSE_OF_SELF: "How the baby shows wishes of their own, and is seen as a small person.",
        Domain.SOCIAL: "How the baby is with other children and grown-ups.",
    },
)
STRENGTHS: Final = _choices(
    {
        Strength.WARM_MOMENTS_SEEN: "There are warm moments with the baby",
        Strength.SUPPORTIVE_FAMILY: "Family or friends help",
        Strength.STABLE_HOME: "They have a settled home",
        Strength.ENGAGES_WITH_SERVICES: "They ask for help and use it",
        Strength.OTHER: "Something else that goes well",
    },
    {Strength.OTHER: "You can say what it is on the page “In your own words”."},
)
RISK_FACTORS: Final = _choices(
    facts.RISK_FACTORS,
    {
        RiskFactor.PREVIOUS_LOSS: "For example a miscarriage, a stillbirth, or the death of somebody close.",
        RiskFactor.PREMATURITY: "Before 37 weeks.",
    },
)
COMPLEX_HISTORY: Final = _choices(
    facts.COMPLEX_HISTORIES,
    {
        ComplexHistory.PREVIOUS_REMOVAL: "Another child of theirs lives in care or was adopted.",
        ComplexHistory.FRIGHTENING_BEHAVIOUR: "For example shouting, rough handling, or a frozen stare.",
        ComplexHistory.COMPLEX_TRAUMA: "A carer was hurt again and again, often as a child.",
    },
)
CARE_STATUSES: Final = _choices(
    {**facts.CARE_STATUSES, CareStatus.NONE: "None of these, or I do not know"},
    {
        CareStatus.PREBIRTH: "A social worker plans for the baby before the birth.",
        CareStatus.LAC_OWN_LA: "The baby is in the care of the council here.",
        CareStatus.LAC_OTHER_LA: "The baby is in the care of another council.",
    },
)
REQUESTED_TIERS: Final = (
    *_choices(
        TIERS,
        {
            Tier.UNIVERSAL: "Groups and drop-ins that are open to all families.",
            Tier.TARGETED: "Some extra help for the family, mostly at home.",
            Tier.SPECIALIST_SHORT: "A few months of work with the parent and the baby.",
            Tier.SPECIALIST_LONG: "Longer work, where much has happened.",
            Tier.PNMH: "Care for the mental health of a parent.",
            Tier.STATUTORY: "Help by law, when a child may not be safe.",
        },
    ),
    Choice("", "I leave it to you"),
)
COMMUNICATION_NEEDS: Final = _choices(
    {
        CommunicationNeed.BSL: "British Sign Language",
        CommunicationNeed.EASY_READ: "Easy read: short words and pictures",
        CommunicationNeed.LARGE_PRINT: "Large print",
        CommunicationNeed.BRAILLE: "Braille",
        CommunicationNeed.AUDIO: "Sound instead of writing",
    }
)
MESSAGE_CHANNELS: Final = _choices(
    {
        MessageChannel.NONE: "No messages",
        MessageChannel.SMS: "Text messages",
        MessageChannel.EMAIL: "Emails",
        MessageChannel.LETTER: "Letters to their home",
    },
    {MessageChannel.SMS: "To a mobile phone.", MessageChannel.LETTER: "We need the whole address for that."},
)
TOLD_BY: Final = (
    *_choices({ToldBy.FAMILY: "They told me", ToldBy.REFERRER: "It is what I think"}),
    Choice("", "I do not know"),
)
SEXES: Final = _choices(
    {
        Gender.FEMALE: "Female",
        Gender.MALE: "Male",
        Gender.INDETERMINATE: "Neither fits",
        Gender.NOT_KNOWN: "Not known",
    }
)
ETHNIC_GROUPS: Final = _choices(
    {**ETHNIC_CATEGORIES, "Z": "They were asked and prefer not to say", "99": "I do not know, or nobody has asked"}
)
SOURCES: Final = tuple(
    Choice(code, words) for code, words in sorted(sources().items(), key=lambda source: "(Retired" in source[1])
)

_OFTEN_SPOKEN: Final = (
    "ak am ar bfi bg bn bs ckb cs cy de el es fa ff fil fr ga gu ha hi hr hu ig it ja ko ku lg lt lv ml my nd ne nl om"
    " pa pl ps pt rmn rmy rn ro ru rw si sk sn so sq sr sw syl ta te th ti tr tw uk ur vi wo yo yue zh"
)
"""Languages that families in English towns speak; a document may name any other, which the form keeps."""
LANGUAGES: Final = (
    Choice("en", "English"),
    *sorted(
        (Choice("fa-AF", "Dari"), *(Choice(tag, language_name(tag)) for tag in _OFTEN_SPOKEN.split())),
        key=lambda choice: choice.label,
    ),
)
