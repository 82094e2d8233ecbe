"""Codes that an agency may use: the NHS lists, read once from deploy/reference/nhs_codes.csv, and languages."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Final

from services.referral.document.errors import refusal

FILE: Final = Path(__file__).resolve().parents[3] / "deploy" / "reference" / "nhs_codes.csv"


class Strength(StrEnum):
    """What goes well in the family."""

    ENGAGES_WITH_SERVICES = "engages_with_services"
    SUPPORTIVE_FAMILY = "supportive_family"
    STABLE_HOME = "stable_home"
    WARM_MOMENTS_SEEN = "warm_moments_seen"
    OTHER = "other"


class CommunicationNeed(StrEnum):
    """How a caregiver needs to be spoken or written to."""

    BSL = "bsl"
    EASY_READ = "easy_read"
    LARGE_PRINT = "large_print"
    BRAILLE = "braille"
    AUDIO = "audio"


class MessageChannel(StrEnum):
    """How a caregiver wants to hear from us in writing; none: not at all."""

    NONE = "none"
    SMS = "sms"
    EMAIL = "email"
    LETTER = "letter"


class ToldBy(StrEnum):
    """Who said how to write to a caregiver: they themselves, or whoever refers them."""

    FAMILY = "family"
    REFERRER = "referrer"


class Gender(StrEnum):
    """PERSON STATED GENDER CODE of the NHS Data Dictionary; X (not known) is in its wider list."""

    MALE = "1"
    FEMALE = "2"
    INDETERMINATE = "9"
    NOT_KNOWN = "X"


def _lists(path: Path) -> dict[str, dict[str, str]]:
    lists: dict[str, dict[str, str]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            attribute, code, meaning = row.values()
            lists.setdefault(attribute, {})[code] = meaning
    return lists


_LISTS: Final = _lists(FILE)

SOURCES: Final[Mapping[str, str]] = _LISTS["SOURCE_OF_REFERRAL_FOR_MENTAL_HEALTH"]
"""SOURCE OF REFERRAL FOR MENTAL HEALTH: code to meaning; retired codes are still readable."""
ETHNIC_CATEGORIES: Final[Mapping[str, str]] = _LISTS["ETHNIC_CATEGORY_CODE_2001"] | _LISTS["ETHNIC_CATEGORY"]
"""ETHNIC CATEGORY CODE 2001, A to Z (Z = not stated), and 99 = not known."""


_SHAPE: Final = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*", re.ASCII)
_LONGEST: Final = 35
"""RFC 5646, section 4.4.1: room for every registered combination."""

_ISO_639_1: Final = (
    "aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en eo"
    " es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka"
    " kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng"
    " nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su"
    " sv sw ta te tg th ti tk tn to tr ts tt ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu"
)
COMMON: Final = frozenset(_ISO_639_1.split())
"""ISO 639-1: known without loading langcodes, which takes 0.1 s and 11 MB."""

_SIGN: Final = (
    "ads aed aen afg ase asf asp asq asw bfi bfk bog bqn bqy bvl bzs cds csc csd cse csf csg csl csn csq csr csx"
    " doq dse dsl ecs ehs esl esn eso eth fcs fse fsl fss gds gse gsg gsm gss gus hab haf hds hks hos hps hsh hsl"
    " icl iks ils inl ins ise isg isr jcs jhs jks jls jos jsl jus kgi kvk lbs lls lsb lsg lsl lsn lso lsp lst lsv"
    " lsy lws mdl mfs mre msd msr mzc mzg mzy nbs ncs nsi nsl nsp nsr nzs okl pgz pks prl prz psc psd psg psl pso"
    " psp psr pys rms rsi rsl rsm sdl sfb sfs sgg sgx slf sls sqk sqs sqx ssp ssr svk swl syy szs tse tsm tsq tss"
    " tsy tza ugn ugy ukl uks vgt vsi vsl vsv wbs xki xml xms yds ygs yhs ysl ysm zib zsl"
)
SIGN_LANGUAGES: Final = frozenset({"sgn", *_SIGN.split()})
"""IANA language subtag registry: `sgn` and every language whose prefix it is. Whoever uses one needs an interpreter."""
_NOT_WHAT_IT_SAYS: Final = {
    "bsl": "bsl is a spoken language of Nigeria (Basa-Gumna). For British Sign Language send bfi, "
    'or communication_needs ["bsl"].',
}
"""Codes that people send for another language than they stand for."""


def is_signed(tag: str) -> bool:
    return tag.partition("-")[0] in SIGN_LANGUAGES


def standard_language(tag: str) -> str:
    """Return the standard form of a registered tag, or a refusal."""
    if tag in COMMON:
        return tag
    if hint := _NOT_WHAT_IT_SAYS.get(tag.lower()):
        raise refusal("not-in-list", hint)
    standard = _registered(tag) if len(tag) <= _LONGEST and _SHAPE.fullmatch(tag) else None
    if standard is None:
        raise refusal("not-in-list", "This is not a registered language tag (BCP 47), for example en, ur, rmn or bfi.")
    return standard


@lru_cache(maxsize=512)
def _registered(tag: str) -> str | None:
    import langcodes  # noqa: PLC0415 - loaded only when a rarer language is named
    from langcodes.tag_parser import LanguageTagError  # noqa: PLC0415 - likewise

    try:
        language = langcodes.Language.get(tag)
    except LanguageTagError:
        return None
    is_registered = language.is_valid() and language.language not in {None, "root"}
    return language.to_tag() if is_registered else None
