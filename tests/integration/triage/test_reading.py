"""What the staff read on their pages, on a morning with every kind of family: easy to read, and nothing short for long."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from operator import attrgetter
from typing import Any, Final

import pytest

from services.triage import app as triage_app
from services.triage.pages.referral.kinds import KINDS
from services.triage.pages.referral.what_to_do import STANDS
from services.triage.pages.steps.step_forms import FORMS
from services.triage.pages.today.home import LISTS, NEWS
from services.triage.settings import Settings as TriageSettings
from shared.access import Role, Staff
from shared.ids import uuid7
from shared.pages.outcomes import DONE
from tests.integration.conftest import behind
from tests.integration.triage.test_page_steps import LENA, MAYA, MO, Desk
from tests.reading import grade, texts_of
from tests.unit.triage.test_rules_words import EVERY_KIND_OF_FAMILY

OLGA, ADA = Staff("olga", "Olga Price", Role.OPERATIONS), Staff("ada", "Ada Moss", Role.AUDITOR)
SEEN_BY: Final = {
    "": (MAYA, LENA, MO, OLGA, ADA),
    "/queues": (LENA,),
    "/queues/all": (LENA,),
    "/queues/all?view=overdue&urgency=now": (MAYA,),
    "/queues/mash?reference=PIR-000": (MAYA,),
    "/find": (MAYA, MO),
    "/arrivals/new": (MAYA,),
    "/enquiries": (MAYA,),
    "/enquiries?stage=done": (MAYA,),
    "/capacity": (MO,),
    "/capacity/pir_long": (MO,),
    "/policy": (MAYA, MO),
    "/policy/drafts/new": (MO,),
    "/services": (MAYA,),
    "/team": (LENA,),
    "/team/maya": (LENA,),
    "/audit": (MAYA, LENA, ADA),
    "/audit?view=without-work": (ADA,),
    "/audit?view=own-name": (ADA,),
    "/audit?referral=PIR-0": (LENA,),
    "/parked": (OLGA,),
    "/give": (LENA,),
    "/accessibility": (MAYA,),
    "/nowhere": (MAYA,),
}
COUNCILS_OWN: Final = "/services"
"""Its words are those of the service map, which each council writes."""
SPELLED: Final = {
    "MASH": "multi-agency safeguarding hub",
    "CAMHS": "child and adolescent mental health services",
    "ONS": "office for national statistics",
}
KNOWN: Final = {"NHS", "GP", "PIR", "API", "MIT", "TOML", "KB"}
"""What people call these, or what a file is called; the last five are no words about families."""
CODE: Final = re.compile(r"PIR-\w{3}-\w{3}|\b[A-Z]\d+\w*")
"""References, rules by their numbers, codes of wards and councils."""
ENTRY: Final = re.compile(r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day \d")
"""Begins an entry of the history, which is names and codes."""


@pytest.fixture
async def desk(settings: dict[str, Any]) -> AsyncIterator[Desk]:
    """Nobody answers for families and messages."""
    known = settings | {"notify_url": settings["referral_url"]}
    async with behind(triage_app.build, TriageSettings(**known)) as triage:
        made = Desk(triage)
        await made.sign_in(MAYA, LENA, MO, OLGA, ADA)
        yield made


async def pages_of(desk: Desk) -> dict[str, list[str]]:
    """What each page says: every area, the items of every family, and each form of a step, as it is and with nothing in it."""
    answers = {f"{path} {who.role}": await desk.get(path, who) for path, people in SEEN_BY.items() for who in people}
    forms = set(FORMS)
    for facts in EVERY_KIND_OF_FAMILY:
        key = uuid7()
        await desk.hear(facts, key=key)
        for item in sorted(await desk.items(key), key=attrgetter("route")):
            path = f"/items/{item.id}"
            answers[path] = await desk.get(path, MAYA)
            await desk.post(f"{path}/claim", LENA)
            answers[f"{path} own"] = await desk.get(path, LENA)
            for step in sorted(forms):
                form = await desk.get(f"{path}/{step}", LENA)
                if form.status_code == 200:
                    forms.remove(step)
                    answers[f"{path}/{step}"] = form
                    if step != "claim":
                        answers[f"{path}/{step} sent"] = await desk.post(f"{path}/{step}", LENA)
    return {path: texts_of(answer.text) for path, answer in answers.items()}


def is_prose(text: str) -> bool:
    """A sentence that somebody reads to the end: no heading, no name, no entry of the history."""
    return len(text.split()) >= 7 and text.endswith((".", "!", "?")) and not ENTRY.match(text)


async def test_every_page_is_easy_to_read_and_spells_out_what_it_shortens(desk: Desk) -> None:
    pages = await pages_of(desk)
    hard = {
        text: (round(grade(text), 1), path)
        for path, texts in pages.items()
        for text in texts
        if is_prose(text) and grade(text) > 9 and not path.startswith(COUNCILS_OWN)
    }
    assert hard == {}
    short = {}
    for path, texts in pages.items():
        said = CODE.sub("", " ".join(texts))
        for word in set(re.findall(r"\b[A-Z]{2,}\b", said)) - KNOWN:
            if word not in SPELLED or SPELLED[word] not in said.partition(word)[0].lower():
                short[path] = word
    assert short == {}


SENTENCES: Final = (
    *DONE.values(),
    *NEWS.values(),
    *(each.calm for each in LISTS.values()),
    *(each.now for each in KINDS.values()),
    *(each.words for each in STANDS),
)


@pytest.mark.parametrize("sentence", sorted(filter(is_prose, SENTENCES)))
def test_what_a_page_may_say_is_easy_to_read(sentence: str) -> None:
    assert grade(sentence) <= 9
