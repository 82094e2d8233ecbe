"""The family says no: no names are taken and none are sent, the referrer gets advice, and a danger goes on all the same."""

from __future__ import annotations

from typing import Any, Final

import pytest

from tests.forms import FormReader
from tests.integration.front import Browser, FrontSite
from tests.integration.referral.test_referral_form import CANARY, NEEDED, NO_DANGER, address_of, begun, fill_in
from tests.integration.support import count, fetch

REFUSED: Final = {"consent__status": "refused"}
HARMS: Final[list[dict[str, Any]]] = [
    {"safety": ["immediate_danger"]},
    {"safety": ["domestic_abuse"], "mental_health": "none"},
    {"safety": ["none"], "mental_health": "self_harm_new"},
]


async def refused(site: FrontSite) -> tuple[Browser, str]:
    """A member who saw no danger, after saying that the family does not agree; with the address of the draft."""
    browser = await begun(site)
    draft = address_of(browser)
    await browser.press(**NO_DANGER)
    await browser.press(**REFUSED)
    return browser, draft


def can_send(browser: Browser, draft: str) -> bool:
    return any(each.action == f"{draft}/send" for each in FormReader(browser.html).forms)


async def test_after_a_no_comes_advice_and_an_enquiry_without_names(site: FrontSite) -> None:
    browser, draft = await refused(site)
    assert browser.heading == "The family said no"
    for link in ("/refer/enquiry", f"{draft}/safety", f"{draft}/agreement", f"{draft}/drop"):
        assert link in browser.links, link
    await browser.open("/refer/enquiry")
    await browser.press(kind="consultation", topic="A family that said no", referrer__name="Ada", referrer__role="HV")
    [row] = await fetch(site.referral.engine, "SELECT facts FROM referral")
    assert row.facts["kind"] == "consultation"
    assert await count(site.referral.engine, "draft WHERE sealed IS NOT NULL") == 1, "until the person decides"


@pytest.mark.parametrize("slug", ["loss", "babies", "carers", "contact", "words", "equality"])
async def test_no_page_asks_for_the_family_after_a_no(site: FrontSite, slug: str) -> None:
    browser, draft = await refused(site)
    await browser.open(f"{draft}/{slug}")
    assert browser.heading == "The family said no"
    await browser.open(draft)
    assert {f"{draft}/safety", f"{draft}/agreement", f"{draft}/advice"} <= set(browser.links)
    assert f"{draft}/{slug}" not in browser.links


async def test_nothing_is_sent_of_a_family_that_said_no(site: FrontSite) -> None:
    browser = await begun(site)
    draft = await fill_in(browser, carers=NEEDED["carers"] | {"caregivers__0__family_name": CANARY})
    assert can_send(browser, draft)
    csrf = browser.form().sent["csrf"][0]
    await browser.open(f"{draft}/agreement")
    await browser.press(f"{draft}/agreement", **REFUSED)
    assert browser.heading == "The family said no"
    await browser.open(f"{draft}/check")
    assert not can_send(browser, draft)
    assert f"{draft}/advice" in browser.links
    assert (await browser.http.post(f"{draft}/send", data={"csrf": csrf})).status_code == 422
    assert await count(site.referral.engine, "referral") == 0


async def test_what_was_typed_is_there_when_the_family_agrees_after_all(site: FrontSite) -> None:
    browser = await begun(site)
    draft = await fill_in(browser, words={"notes": CANARY}, agreement=REFUSED)
    assert browser.heading == "The family said no"
    csrf = {"csrf": browser.form().sent["csrf"][0]}
    await browser.http.post(f"{draft}/words", data=csrf | {"notes": CANARY}, follow_redirects=True)
    await browser.open(f"{draft}/agreement")
    await browser.press(f"{draft}/agreement", consent__status="given")
    await browser.open(f"{draft}/words")
    assert browser.form(f"{draft}/words").sent["notes"] == [CANARY]


@pytest.mark.parametrize("harm", HARMS)
async def test_a_danger_goes_on_without_a_yes_with_reason_name_and_time(site: FrontSite, harm: dict[str, Any]) -> None:
    browser = await begun(site)
    draft = address_of(browser)
    await browser.press(**harm)
    await browser.open(f"{draft}/agreement")
    why = {"consent__override_reason": "The child is not safe.", "consent__given_by": "The mother"}
    await browser.press(f"{draft}/agreement", **REFUSED, **why, consent__recorded_at="1 6 2026")
    while browser.heading != "Check and send":
        slug = browser.form().action.rpartition("/")[2]
        await browser.press(**{name: said for name, said in NEEDED.items() if name != "safety"}.get(slug, {}))
    await browser.press()
    assert browser.heading == "Referral sent"
    [row] = await fetch(site.referral.engine, "SELECT facts FROM referral")
    assert row.facts["consent"] == "refused"


async def test_a_danger_that_is_taken_back_leaves_the_no(site: FrontSite) -> None:
    browser = await begun(site)
    draft = address_of(browser)
    await browser.press(**HARMS[1])
    await browser.press(**REFUSED)
    assert browser.form().action == f"{draft}/loss"
    await browser.open(f"{draft}/safety")
    await browser.press(f"{draft}/safety", **NO_DANGER)
    assert browser.heading == "The family said no"


async def test_a_no_after_sending_is_written_down_and_leads_to_advice(site: FrontSite) -> None:
    """What was sent has to be true: rule E13 then proposes to end it."""
    browser = await begun(site)
    await fill_in(browser)
    await browser.press()
    [row] = await fetch(site.referral.engine, "SELECT reference FROM referral")
    await browser.open(f"/refer/{row.reference}/correct/agreement")
    await browser.press(f"/refer/{row.reference}/correct/agreement", **REFUSED)
    assert "ask us for advice without names" in browser.page.words("main")
    [row] = await fetch(site.referral.engine, "SELECT facts FROM referral")
    assert row.facts["consent"] == "refused"
