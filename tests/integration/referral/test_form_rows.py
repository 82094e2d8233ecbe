"""What is stored of a document is the same by the pages and by `POST /referrals`: rows, tokens, events, who it is about.

The pages write into one database and the program into another, in the same order, so that links can be compared too.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from deploy.local import credentials
from deploy.setup import DEMO_AGENCIES
from services.referral import app as referral_app
from services.referral.document.read import Enquiry
from services.referral.front import agreement, filling, form_pages, step_forms
from services.referral.identity import Identities, Sealed
from services.referral.settings import Settings
from services.referral.submitting.prepare import identities_of
from tests.forms import FormReader
from tests.front_documents import meaning, scenario_documents, scenario_enquiries
from tests.integration.behind import Behind, behind
from tests.integration.front import Browser, FrontSite, front_site
from tests.integration.support import fetch
from tests.servers import Servers
from tests.unit.referral.test_intake_inputs import a_document

DOCUMENTS: Final = scenario_documents() | {"the sample": a_document()}
SCENARIOS: Final = 86
REFUSED: Final = {name for name, document in DOCUMENTS.items() if agreement.is_refused(document)}
"""A family's no ends the form (test_refused_agreement.py): a program may send it, and rule E13 proposes to end it."""
LOSS: Final = "loss"
"""Typed last: after it the other pages ask less than a program may say."""
OWN: Final = {"id", "reference", "agency_id", "received_at", "family_id", "referral_id"}
"""What names one referral among all, or its moment: of two that are alike it differs."""
ROW: Final = "kind, version, expected_by, profile, facts, gaps, receipt, external_digest IS NULL AS is_ours"


@dataclass(frozen=True)
class Twins:
    """Two databases with the same agencies and keys: `pages` for people, `program` for the intake API."""

    pages: FrontSite
    program: Behind
    identities: Identities

    async def stored(self, at: Behind, reference: str) -> dict[str, Any]:
        """All that is stored of a referral, without what names it."""
        [row] = await fetch(
            at.engine,
            f"SELECT {ROW}, id, agency_id, wrapped_key, identity FROM referral WHERE reference = :of",
            of=reference,
        )
        events = await fetch(
            at.engine, "SELECT type, topic, value FROM event WHERE key = :id ORDER BY sequence", id=row.id
        )
        tokens = await fetch(
            at.engine, "SELECT token FROM family_token WHERE referral_id = :id ORDER BY token", id=row.id
        )
        kin = await fetch(
            at.engine, "SELECT link, is_told, is_answered, in_facts FROM kin WHERE referral_id = :id", id=row.id
        )
        history = await fetch(
            at.engine, "SELECT what, detail FROM history WHERE referral_id = :id ORDER BY id", id=row.id
        )
        [agency] = await fetch(at.engine, "SELECT slug FROM agency WHERE id = :id", id=row.agency_id)
        known = self.identities.unseal(row.id, Sealed(row.wrapped_key, row.identity))
        return {
            "row": _without_names({name: getattr(row, name) for name in row._fields if name not in _SEALED}),
            "agency": agency.slug,
            "events": [(each.type, each.topic, _without_names(json.loads(each.value))) for each in events],
            "tokens": [bytes(each.token) for each in tokens],
            "kin": sorted(map(repr, kin)),
            "history": [tuple(each) for each in history],
            "document": known["document"],
            "answers": known["answers"],
        }


_SEALED: Final = {"wrapped_key", "identity"}


def _without_names(said: Any) -> Any:
    if isinstance(said, Mapping):
        return {name: _without_names(value) for name, value in said.items() if name not in OWN}
    return [_without_names(each) for each in said] if isinstance(said, list) else said


@pytest.fixture
async def twins(
    stack: Servers,
    new_database: Callable[[str], str],
    settings: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Twins]:
    other = settings | {"DATABASE_URL": new_database(stack.with_agencies)}
    identities = identities_of(Settings(**other))
    async with AsyncExitStack() as running:
        program = behind(referral_app.build, Settings(**other), ("batch-writer",))
        pages = front_site(settings, tmp_path, monkeypatch)
        yield Twins(await running.enter_async_context(pages), await running.enter_async_context(program), identities)


async def typed(browser: Browser, document: dict[str, Any]) -> str:
    """Every page that the document says anything on; returns the address of the draft."""
    await browser.open("/refer/new")
    await browser.press("/refer/drafts")
    first = browser.form()
    draft, csrf = first.action.rpartition("/")[0], first.sent["csrf"]
    for page in sorted(form_pages.pages_for(document), key=lambda each: each.slug == LOSS):
        if not any((boxes := filling.values_of(page, document)).values()):
            continue
        answer = await browser.http.post(f"{draft}/{page.slug}", data={"csrf": csrf, "later": "1", **boxes})
        assert answer.status_code == 303, (page.slug, answer.text)
    return draft


async def sent(browser: Browser, draft: str) -> str:
    """From the check page; returns the reference."""
    await browser.open(f"{draft}/check")
    forms = [each.action for each in FormReader(browser.html).forms]
    assert f"{draft}/send" in forms, browser.page.words("main")
    await browser.press(f"{draft}/send")
    return reference_on(browser)


def reference_on(browser: Browser) -> str:
    """Of the page that says that something was sent."""
    [link] = {link for link in browser.links if link.startswith("/refer/PIR-")}
    return link.removeprefix("/refer/")


def differences(
    one: dict[str, Any], other: dict[str, Any], read: Callable[[dict[str, Any]], Any] = meaning
) -> dict[str, Any]:
    """Part → what each has, where that is not the same. Documents are alike when `read` reads the same in them."""
    parts = [each | {"document": read(each["document"])} for each in (one, other)]
    return {part: tuple(each[part] for each in parts) for part in one if parts[0][part] != parts[1][part]}


async def test_every_scenario_is_stored_alike_by_the_pages_and_by_a_program(twins: Twins) -> None:
    browser = await twins.pages.signed_in()
    different = {}
    for name, document in DOCUMENTS.items():
        if name in REFUSED:
            continue
        by_pages = await twins.stored(twins.pages.referral, await sent(browser, await typed(browser, document)))
        answer = await twins.program.send(document)
        assert answer.status_code == 201, (name, answer.text)
        by_program = await twins.stored(twins.program, answer.json()["reference"])
        different[name] = differences(by_pages, by_program)
    assert {"SC115"} == REFUSED
    assert len(different) + len(REFUSED) + len(scenario_enquiries()) == SCENARIOS + 1
    assert {name: found for name, found in different.items() if found} == {}


async def test_every_enquiry_of_the_scenarios_is_stored_alike(twins: Twins) -> None:
    different = {}
    for name, (source, enquiry) in scenario_enquiries().items():
        slug = next(slug for slug, (_, own) in DEMO_AGENCIES.items() if own == source)
        browser = await twins.pages.signed_in(credentials.MEMBERS[slug])
        await browser.open("/refer/enquiry")
        boxes = filling.values_of(step_forms.ENQUIRY, enquiry | {"people": str(enquiry["people"])})
        await browser.press("/refer/enquiry", **boxes)
        by_pages = await twins.stored(twins.pages.referral, reference_on(browser))
        headers = {"Authorization": f"Bearer {twins.program.key(slug)}", "Idempotency-Key": name}
        answer = await twins.program.http.post("/enquiries", json=enquiry, headers=headers)
        assert answer.status_code == 201, (name, answer.text)
        by_program = await twins.stored(twins.program, answer.json()["reference"])
        different[name] = differences(by_pages, by_program, Enquiry.model_validate)
    assert different == {"SC091": {}, "SC092": {}, "SC124": {}}
