"""Signing in with a code: once, in the browser that asked, for 15 minutes and five tries; nobody learns who is known."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from deploy.local.credentials import MEMBERS
from services.referral import app as referral_app
from services.referral.front import mailing, members
from services.referral.front.codes import MOST_AN_HOUR, TRIES
from services.referral.front.sign_in import ASKS_A_MINUTE
from services.referral.request_limits import RequestLimits
from shared.audit import Actor
from tests.integration.front import KEEPER, MEMBER, FrontSite, front_site
from tests.integration.support import count, fetch, statements

BY = Actor("operator", "test")
_RANDOM = re.compile(rb"(?<==)[A-Za-z0-9_-]{43}(?=;)|[0-9a-f]{8}-[0-9a-f-]{27}")


async def test_a_code_from_the_mail_opens_the_door_once(site: FrontSite) -> None:
    browser = await site.browser()
    answer = await browser.open("/refer/new")
    assert "/refer/sign-in?next=/refer/new" in str(answer.url)
    await browser.press(email=f"  {MEMBER.upper()} ")
    code = await site.code_for(MEMBER)
    answer = await browser.press(code=code.lower().replace("-", " "), follow=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/refer/new")
    await browser.open("/refer/new")
    assert browser.heading == "Refer a family"
    again = await browser.http.post("/refer/sign-in/code", data={"code": code})
    assert again.status_code == 422
    rows = await fetch(site.referral.engine, "SELECT action FROM audit WHERE actor_kind = 'member'")
    assert [row.action for row in rows] == ["member.signed-in"]


async def test_another_browser_can_not_use_it(site: FrontSite) -> None:
    asked, other = await site.browser(), await site.browser()
    for browser in (asked, other):
        await browser.open("/refer/sign-in")
    await asked.press(email=MEMBER)
    code = await site.code_for(MEMBER)
    answer = await other.http.post("/refer/sign-in/code", data={"code": code})
    assert answer.status_code == 422
    assert (await asked.press(code=code, follow=False)).status_code == 303


async def test_five_wrong_tries_end_a_code(site: FrontSite) -> None:
    browser = await site.browser()
    await browser.open("/refer/sign-in")
    await browser.press(email=MEMBER)
    code = await site.code_for(MEMBER)
    for _ in range(TRIES):
        assert (await browser.press(code="2222-2222")).status_code == 422
    assert (await browser.press(code=code)).status_code == 422
    assert await count(site.referral.engine, "member_session") == 0


async def test_after_fifteen_minutes_and_after_the_next_one_it_is_dead(site: FrontSite) -> None:
    browser = await site.browser()
    await browser.open("/refer/sign-in")
    await browser.press(email=MEMBER)
    first = await site.code_for(MEMBER)
    await browser.open("/refer/sign-in")
    await browser.press(email=MEMBER)
    second = await site.code_for(MEMBER)
    assert (await browser.press(code=first)).status_code == 422
    async with site.referral.engine.begin() as tx:
        await tx.execute(sa.text("UPDATE sign_in_code SET until = until - interval '15 minutes'"))
    assert (await browser.press(code=second)).status_code == 422


async def test_nobody_shuts_the_door_of_another_by_asking_in_their_name(site: FrontSite) -> None:
    browser, stranger = await site.browser(), await site.browser()
    await browser.open("/refer/sign-in")
    await browser.press(email=MEMBER)
    code = await site.code_for(MEMBER)
    for _ in range(MOST_AN_HOUR + 1):
        await stranger.open("/refer/sign-in")
        await stranger.press(email=MEMBER)
    assert (await browser.press(code=code, follow=False)).status_code == 303


async def test_a_look_at_any_address_signs_nobody_in(site: FrontSite) -> None:
    browser = await site.browser()
    await browser.open("/refer/sign-in")
    await browser.press(email=MEMBER)
    code = await site.code_for(MEMBER)
    for path in ("/refer/sign-in/code", f"/refer/sign-in/code?code={code}", f"/refer/sign-in?code={code}"):
        await browser.http.get(path)
        await browser.http.head(path)
    assert await count(site.referral.engine, "member_session") == 0


async def addresses_of_all_kinds(site: FrontSite) -> dict[str, str]:
    await _end(site, MEMBERS["social-care"])
    await _end_agency(site, "midwifery")
    return {
        "member": MEMBER,
        "other agency's member": MEMBERS["nursery"],
        "nobody": "nobody@health-visiting.example.org",
        "ended member": MEMBERS["social-care"],
        "ended agency's member": MEMBERS["midwifery"],
    }


async def test_an_address_is_answered_by_the_same_bytes_and_statements_whoever_has_it(
    site: FrontSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that is done meanwhile is counted: the loop that mails begins later. tests/bench/front.py measures the time."""
    monkeypatch.setattr(mailing, "APART_SECONDS", (3600, 3600))
    addresses = await addresses_of_all_kinds(site)
    found = {name: await _asked(site, address) for name, address in addresses.items()}
    answers, statements = found["member"]
    for name, each in found.items():
        assert each == (answers, statements), name
    assert [status for status, *_ in answers] == [303, 200, 422]
    assert [statement.split()[0] for statement in statements] == ["SELECT", "INSERT", "UPDATE"]


async def test_a_code_is_mailed_to_members_alone(site: FrontSite) -> None:
    addresses = await addresses_of_all_kinds(site)
    browser = await site.browser()
    for address in (*addresses.values(), KEEPER):  # the last one is mailed after all of the others
        await browser.open("/refer/sign-in")
        await browser.press(email=address)
    await site.code_for(KEEPER)
    assert [name for name, address in addresses.items() if site.mails_to(address)] == [
        "member",
        "other agency's member",
    ]
    assert await count(site.referral.engine, "sign_in_code") == len(addresses) + 1


async def _asked(site: FrontSite, address: str) -> tuple[list[tuple[Any, ...]], list[str]]:
    """Status, headers and body of each answer to somebody who asks for a code and types a wrong one, and the statements.

    A cookie's token and the id of the request are taken out.
    """
    browser = await site.browser()
    await browser.open("/refer/sign-in")
    with statements(site.referral.engine) as sent:
        answers = [
            await browser.press(email=address, follow=False),
            await browser.open("/refer/sign-in/code"),
            await browser.press(code="2222-2222"),
        ]
    return [_without_random(each) for each in answers], sent


def _without_random(answer: httpx.Response) -> tuple[Any, ...]:
    headers = [(name, _RANDOM.sub(b"", value)) for name, value in answer.headers.raw]
    return answer.status_code, headers, answer.content


async def test_no_more_than_five_mails_an_hour_go_to_one_address(site: FrontSite) -> None:
    browser = await site.browser()
    for _ in range(MOST_AN_HOUR + 2):
        await browser.open("/refer/sign-in")
        await browser.press(email=MEMBER)
    await browser.open("/refer/sign-in")
    await browser.press(email=KEEPER)  # mailed after all of the others
    await site.code_for(KEEPER)
    assert len(site.mails_to(MEMBER)) == MOST_AN_HOUR


async def test_one_place_can_not_ask_for_codes_without_end(
    settings: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As outside development, where there is a limit."""
    monkeypatch.setattr(referral_app, "RequestLimits", lambda _: RequestLimits(ASKS_A_MINUTE))
    told = settings | {"client_address_header": "X-Forwarded-For"}
    async with front_site(told, tmp_path, monkeypatch) as site:
        browser = await site.browser()
        answers = [
            await browser.http.post(
                "/refer/sign-in",
                data={"email": f"n{number}@example.org"},
                headers={"X-Forwarded-For": f"10.0.0.{number}, 203.0.113.9"},
            )
            for number in range(8)
        ]
        assert [each.status_code for each in answers] == [303] * 6 + [429] * 2
        assert answers[-1].headers["content-type"].startswith("text/html")
        elsewhere = {"X-Forwarded-For": "203.0.113.10"}
        other = await browser.http.post("/refer/sign-in", data={"email": MEMBER}, headers=elsewhere)
        assert other.status_code == 303


async def test_what_is_no_address_is_said_beside_the_box(site: FrontSite) -> None:
    browser = await site.browser()
    await browser.open("/refer/sign-in")
    answer = await browser.press(email="Ada Okoro")
    assert answer.status_code == 422
    assert "#email" in browser.links
    assert await count(site.referral.engine, "sign_in_code") == 0


@pytest.mark.parametrize("what", ["member", "agency"])
async def test_who_is_ended_is_out_at_once(site: FrontSite, what: str) -> None:
    browser = await site.signed_in()
    assert (await browser.open("/refer")).url.path == "/refer"
    if what == "member":
        await _end(site, MEMBER)
    else:
        await _end_agency(site, "health-visiting")
    assert (await browser.open("/refer")).url.path == "/refer/sign-in"
    await browser.press(email=MEMBER)
    assert not site.mails_to(MEMBER)


async def test_signing_out_ends_it_on_the_server(site: FrontSite) -> None:
    browser = await site.signed_in()
    await browser.open("/refer")
    kept = dict(browser.http.cookies)
    token = browser.form("/refer/sign-out").sent["csrf"]
    await browser.http.post("/refer/sign-out", data={"csrf": token})
    browser.http.cookies.update(kept)
    assert (await browser.open("/refer")).url.path == "/refer/sign-in"


async def test_a_form_of_another_site_or_session_changes_nothing(site: FrontSite) -> None:
    browser, other = await site.signed_in(), await site.signed_in(KEEPER)
    await browser.open("/refer/new")
    await other.open("/refer/new")
    foreign = other.form().sent["csrf"]
    assert (await browser.http.post("/refer/drafts", data={"csrf": foreign})).status_code == 403
    site_header = {"Sec-Fetch-Site": "cross-site"}
    own = browser.form().sent["csrf"]
    assert (await browser.http.post("/refer/drafts", data={"csrf": own}, headers=site_header)).status_code == 403
    assert await count(site.referral.engine, "draft") == 0


async def test_no_address_stands_in_any_column(site: FrontSite) -> None:
    await site.signed_in()
    async with site.referral.engine.connect() as tx:
        for table in ("member", "member_session", "sign_in_code", "audit"):
            for row in await tx.execute(sa.text(f"SELECT to_jsonb(t)::text FROM {table} t")):
                assert "ada.okoro" not in row[0].lower()


async def _end(site: FrontSite, address: str) -> None:
    async with site.referral.engine.begin() as tx:
        found = await members.by_email(tx, identities(site), address)
        assert found
        assert found.added_at
        await members.end(tx, found.id, agency_id=found.agency.id, actor=BY, at=found.added_at)


async def _end_agency(site: FrontSite, slug: str) -> None:
    async with site.referral.engine.begin() as tx:
        await tx.execute(sa.text("UPDATE agency SET is_active = false WHERE slug = :slug"), {"slug": slug})


def identities(site: FrontSite) -> Any:
    from tests.architecture.test_access import framework

    return framework(site.referral.service).state.sign_in.identities
