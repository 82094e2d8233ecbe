"""After sending, on the pages for referrers: own work, one referral, questions, enquiries, and what keepers see."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Final
from uuid import uuid4

import httpx
import pytest

from deploy.local import credentials
from services.referral.front import members
from services.triage import app as triage_app
from services.triage.settings import Settings as TriageSettings
from services.triage.staff_notes import StaffNotes
from shared.crypto import LocalKey, Safe, read_key
from shared.events import Consent, DecidedBy, Eligibility, ReferralTriaged, Route, Safety
from tests.builders import a_family, decided
from tests.integration.conftest import behind
from tests.integration.front import KEEPER, MEMBER, Browser
from tests.integration.front_work import SETUP, Front, filled, page_of, statuses, waits
from tests.integration.referral.test_referral_after_decision import Sent, a_sent
from tests.integration.support import an_event, count, fetch
from tests.integration.triage.test_triage import hear, received
from tests.integration.triage_team import TriageTeam

OTHER_AGENCY: Final = credentials.MEMBERS["nursery"]
SOON: Final = str(datetime.now(UTC).date() + timedelta(days=10))


# Own work.


async def test_own_work_stands_under_what_it_needs(front: Front, ada: Browser) -> None:
    looked_at, asked, with_team, declined = [await front.sent() for _ in range(4)]
    for sent in (asked, with_team, declined):
        await sent.is_decided(after=1)
        await sent.is_opened(after=2)
    await waits(asked, after=3)
    await declined.is_declined(after=3)
    await ada.open("/refer")
    groups = re.split(r"<h2[^>]*>", ada.html)[1:]
    found = {each.partition("<")[0]: set(re.findall(r"PIR-\w{3}-\w{3}", each)) for each in groups}
    assert found == {
        "Needs your answer": {asked.reference},
        "Being looked at": {looked_at.reference},
        "With a team": {with_team.reference},
        "Ended": {declined.reference},
    }


async def test_what_changed_since_the_author_looked_is_marked(front: Front, ada: Browser) -> None:
    sent = await front.sent()

    async def is_marked() -> bool:
        await ada.open("/refer")
        return "Changed" in ada.html

    assert not await is_marked()
    await sent.is_decided(after=1)
    assert await is_marked()
    assert await is_marked()
    await ada.open(page_of(sent))
    assert not await is_marked()


async def test_a_list_names_nobody(front: Front, ada: Browser) -> None:
    sent = await front.sent()
    keeper = await front.site.signed_in(KEEPER)
    for browser, path in ((ada, "/refer"), (keeper, "/refer/agency"), (keeper, page_of(sent))):
        await browser.open(path)
        assert sent.reference in browser.html
        family = sent.body["babies"][0]["family_name"]
        assert not [word for word in (family, "Sana", "Imran", "07700", "NG6") if word in browser.html]
    assert await front.audited(sent) == []


# One referral.


async def test_its_author_sees_whom_it_is_about_and_each_look_is_written_down(front: Front, ada: Browser) -> None:
    sent = await front.sent()
    await sent.is_decided(after=1)
    for _ in range(2):
        await ada.open(page_of(sent))
        for words in (f"Robin {sent.body['babies'][0]['family_name']} (baby)", "We received the referral.", "Why"):
            assert words in ada.html
    me = str((await front.member(MEMBER)).id)
    assert await front.audited(sent) == [(me, "member.viewed")] * 2


async def test_a_keeper_sees_where_it_stands_and_can_take_it_over(front: Front, ada: Browser) -> None:
    sent = await front.sent()
    keeper = await front.site.signed_in(KEEPER)
    others = ("answer", "tell", "correct", "correct/safety", "born", "withdraw", "challenge", "copy", "sent")
    await keeper.open(page_of(sent))
    assert "Received" in keeper.html
    assert "We received" not in keeper.html
    assert await statuses(keeper, *(page_of(sent, slug) for slug in others)) == {404}

    await keeper.open(page_of(sent))
    await keeper.press(page_of(sent, "take-over"))
    assert "It is written down that you took it over" in keeper.html
    assert "(mother)" in keeper.html
    kim = str((await front.member(KEEPER)).id)
    assert await front.audited(sent) == [(kim, "member.took-over"), (kim, "member.viewed")]
    assert await statuses(ada, page_of(sent)) == {404}
    await ada.open("/refer")
    assert sent.reference not in ada.html


async def test_a_referral_that_a_program_sent_is_nobodys_until_a_keeper_takes_it(front: Front, ada: Browser) -> None:
    sent = await a_sent(front.site.referral)
    assert await statuses(ada, page_of(sent)) == {404}
    keeper = await front.site.signed_in(KEEPER)
    await keeper.open("/refer/agency")
    assert "a program sent it" in keeper.html
    await keeper.open(page_of(sent))
    await keeper.press(page_of(sent, "take-over"))
    assert "(mother)" in keeper.html


async def test_for_everybody_else_it_is_not_there(front: Front) -> None:
    sent = await front.sent()
    await front.added("ben.hale@health-visiting.example.org")
    colleague = await front.site.signed_in("ben.hale@health-visiting.example.org")
    stranger = await front.site.signed_in(OTHER_AGENCY)
    paths = [page_of(sent, slug) for slug in ("", "answer", "tell", "correct", "withdraw", "copy")]
    for browser in (colleague, stranger):
        assert await statuses(browser, *paths, "/refer/PIR-234-679", "/refer/nothing") == {404}
    assert await front.audited(sent) == []


async def test_an_erased_one_is_gone_for_its_author_and_a_keeper_cannot_take_it(front: Front, ada: Browser) -> None:
    sent = await front.sent()
    await front.erased(sent)
    await ada.open("/refer")
    assert sent.reference not in ada.html
    assert await statuses(ada, page_of(sent), page_of(sent, "copy"), page_of(sent, "correct")) == {404}
    keeper = await front.site.signed_in(KEEPER)
    await keeper.open(page_of(sent))
    assert "Our records of this family have been erased" in keeper.html
    form = {"csrf": keeper.form("/refer/sign-out").sent["csrf"]}
    assert (await keeper.http.post(page_of(sent, "take-over"), data=form)).status_code == 410
    assert await count(front.site.referral.engine, "author") == 0


async def test_a_decline_that_nobody_confirmed_is_a_person_looking_at_it(front: Front, ada: Browser) -> None:
    sent = await front.sent()
    too_old = decided(a_family(born_on=date(2022, 1, 1)))
    assert too_old.eligibility is Eligibility.NOT_ELIGIBLE
    proposed = {"version": 1, "decided_by": DecidedBy.MACHINE, "decision": too_old}
    await sent.hears(ReferralTriaged, after=1, decision_id=uuid4(), **proposed)
    await ada.open(page_of(sent))
    assert "A person is looking at this referral before anything is decided." in ada.html
    assert "Not eligible" not in ada.html
    assert page_of(sent, "challenge") not in ada.links


async def test_whether_the_family_agrees_is_asked_where_the_answer_is_given(front: Front, ada: Browser) -> None:
    sent = await front.sent()
    asked = decided(a_family(consent=Consent.NOT_SOUGHT))
    assert Route.INFO_REQUEST in asked.routes
    told = {"version": 1, "decided_by": DecidedBy.MACHINE, "decision": asked}
    await sent.hears(ReferralTriaged, after=1, decision_id=uuid4(), **told)
    await waits(sent, after=2)
    for path in (page_of(sent), page_of(sent, "answer")):
        await ada.open(path)
        assert "Does the family agree that you refer them to us?" in ada.html
        assert page_of(sent, "correct/agreement") in ada.links
    other = await front.sent()
    await ada.open(page_of(other))
    assert "Does the family agree" not in ada.html


async def test_nobody_is_told_that_somebody_else_rings_for_them(front: Front, ada: Browser) -> None:
    sent = await front.sent()
    danger = decided(a_family(safety=[Safety.IMMEDIATE_DANGER]))
    told = {"version": 1, "decided_by": DecidedBy.MACHINE, "decision": danger}
    await sent.hears(ReferralTriaged, after=1, decision_id=uuid4(), **told)
    for path in (page_of(sent), page_of(sent, "copy")):
        await ada.open(path)
        assert "Our check that 999 was rung" in ada.html
        assert "Nothing here rings anybody for you." in ada.html
        assert "Ring the emergency services" not in ada.html


async def test_what_is_missing_leads_to_the_page_that_asks_for_it(front: Front, ada: Browser) -> None:
    sent = await front.sent(safety=["immediate_danger"], consent=None)
    await ada.open(page_of(sent))
    assert page_of(sent, "correct/agreement") in ada.links


# Questions and answers.


@pytest.fixture
async def ask(front: Front) -> AsyncIterator[Callable[[Sent, str], Awaitable[None]]]:
    """Staff ask the referrer something, in a real triage service."""
    told = front.settings | {"referral_url": "http://referral"}
    async with behind(triage_app.build, TriageSettings(**told)) as triage:
        front.site.network.services["triage"] = httpx.ASGITransport(triage.service.app)
        front.site.network.away.discard("triage")
        team = TriageTeam(triage.engine)
        team.texts = StaffNotes(Safe(LocalKey(read_key(front.settings["triage_master_key"]))))

        async def asked(sent: Sent, words: str) -> None:
            await hear(triage, an_event(sent.id, data=received(a_family(), key=sent.id, at=team.now), at=team.now))
            item = await team.only(sent.id)
            await team.take(item, "note", text="A note about Dougal")
            await team.take(item, "request-information", asked=words)
            await sent.is_decided(after=1)
            await waits(sent, after=2)

        yield asked


async def test_a_question_is_shown_and_answered_and_the_clock_runs(
    front: Front, ada: Browser, ask: Callable[[Sent, str], Awaitable[None]]
) -> None:
    sent = await front.sent()
    await ask(sent, "Which day is <b>best</b>?")
    await ada.open(page_of(sent))
    assert "Which day is &lt;b&gt;best&lt;/b&gt;?" in ada.html
    assert "Dougal" not in ada.html
    assert await sent.status() == "waiting_for_referrer"

    await ada.open(page_of(sent, "answer"))
    assert "Which day is" in ada.html
    refused = await ada.press(page_of(sent, "answer"), notes="  ")
    assert refused.status_code == 422
    assert "Write at least a few words" in ada.html
    await ada.press(page_of(sent, "answer"), notes="Tuesday, after noon.")
    assert "The team has your answer" in ada.html
    assert "Needs your answer" not in ada.html
    assert await sent.status() != "waiting_for_referrer"
    assert [each["notes"] for each in (await front.stored(sent))["answers"]] == ["Tuesday, after noon."]
    looks = "triage.audit WHERE action = 'questions.viewed' AND actor_kind = 'member'"
    assert await count(front.site.referral.admin, looks) > 0


async def test_an_answer_says_which_question_it_is_to(front: Front, ada: Browser) -> None:
    sent = await front.sent()
    await sent.is_decided(after=1)
    await waits(sent, after=2)
    await filled(ada, page_of(sent, "answer"), question="2026-06-15T12:00:00+00:00", notes="Yes.")
    [answer] = (await front.stored(sent))["answers"]
    assert answer["notes"] == "To your question of Monday 15 June 2026, 13:00:\nYes."


async def test_without_triage_the_page_says_so_and_an_answer_is_taken_all_the_same(front: Front, ada: Browser) -> None:
    sent = await front.sent()
    await sent.is_decided(after=1)
    await waits(sent, after=2)
    await ada.open(page_of(sent))
    assert "show our questions now" in ada.html
    await filled(ada, page_of(sent, "answer"), notes="She moved to her mother's.")
    assert await sent.status() != "waiting_for_referrer"


# Enquiries.


async def test_an_enquiry_is_sent_and_stands_among_own_work(front: Front, ada: Browser) -> None:
    await ada.open("/refer/enquiry")
    assert ada.form("/refer/enquiry").sent["referrer.email"] == [MEMBER]
    fields = {"kind": "training", "topic": "Reading the cues of a baby", "people": "8"}
    refused = await ada.press("/refer/enquiry", **fields | {"people": "some"})
    assert refused.status_code == 422
    assert "Write a whole number" in ada.html
    who = {"referrer__name": "Ada Okoro", "referrer__role": "Health visitor"}
    await ada.press("/refer/enquiry", **fields, **who)
    [reference] = set(re.findall(r"PIR-\w{3}-\w{3}", ada.html))
    assert "Sent" in ada.heading
    rows = await fetch(front.site.referral.engine, "SELECT kind, reference FROM referral")
    assert [(row.kind, row.reference) for row in rows] == [("training", reference)]
    await ada.open("/refer")
    assert reference in ada.html
    await ada.open(f"/refer/{reference}")
    assert "Reading the cues of a baby" in ada.html
    await filled(ada, f"/refer/{reference}/tell", notes="We are nine by now.")
    assert "The team has what you told us" in ada.html
    assert await statuses(ada, f"/refer/{reference}/correct") == {404}
    assert await statuses(ada, f"/refer/{reference}/copy") == {200}


async def test_an_enquiry_that_tells_of_a_danger_says_whom_to_ring(ada: Browser) -> None:
    who = {"referrer__name": "Ada Okoro", "referrer__role": "Health visitor"}
    await filled(ada, "/refer/enquiry", kind="consultation", topic="A bruise", safety="injury_nonmobile", **who)
    assert "Ring now" in ada.html


# What keepers do.


async def test_a_keeper_sees_which_colleague_sent_what(front: Front) -> None:
    ben = await front.added("ben.hale@health-visiting.example.org", name="Ben Hale")
    sent, left = await front.sent(ben.email), await front.sent()
    async with front.site.referral.engine.begin() as tx:
        gone = await front.member(MEMBER)
        await members.end(tx, gone.id, agency_id=gone.agency.id, actor=SETUP, at=datetime.now(UTC))
    keeper = await front.site.signed_in(KEEPER)
    await keeper.open("/refer/agency")
    for words in (sent.reference, "Ben Hale", left.reference, "Somebody who has left", "Received"):
        assert words in keeper.html
    assert sent.body["external_reference"] not in keeper.html


async def test_a_long_list_has_pages(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.referral.front.keepers.ON_A_PAGE", 1)
    first, second = await front.sent(), await front.sent()
    keeper = await front.site.signed_in(KEEPER)
    await keeper.open("/refer/agency")
    assert (first.reference in keeper.html, second.reference in keeper.html) == (False, True)
    await keeper.open("/refer/agency?page=2")
    assert (first.reference in keeper.html, second.reference in keeper.html) == (True, False)
    for odd in ("0", "-1", "x", "99999999999999999999"):
        assert (await keeper.open(f"/refer/agency?page={odd}")).status_code == 200


async def test_a_colleague_is_added_on_a_domain_of_the_agency_and_signs_in(front: Front) -> None:
    keeper = await front.site.signed_in(KEEPER)
    refused = await filled(keeper, "/refer/colleagues", email="somebody@elsewhere.example.org")
    assert refused.status_code == 422
    assert "somebody@elsewhere.example.org" in keeper.html
    address = "new.nurse@health-visiting.example.org"
    await keeper.press("/refer/colleagues", email=address)
    assert address in keeper.html
    assert "Your colleague can sign in now" in keeper.html
    assert (await filled(keeper, "/refer/colleagues", email=address)).status_code == 422
    assert "/refer/agency" not in (await front.site.signed_in(address)).links


async def test_a_colleague_who_is_ended_is_out_at_once(front: Front, ada: Browser) -> None:
    keeper = await front.site.signed_in(KEEPER)
    await filled(keeper, f"/refer/colleagues/{(await front.member(MEMBER)).id}/end")
    assert "Your colleague is signed out" in keeper.html
    assert (await ada.http.get("/refer")).status_code == 303
    assert await count(front.site.referral.engine, "audit WHERE action = 'member.ended'") == 1


async def test_the_last_keeper_stays_and_another_may_go(front: Front) -> None:
    keeper = await front.site.signed_in(KEEPER)
    path = f"/refer/colleagues/{(await front.member(KEEPER)).id}/end"
    assert (await filled(keeper, path)).status_code == 409
    await front.added("kim.lane@health-visiting.example.org", is_keeper=True)
    await filled(keeper, path)
    assert (await keeper.http.get("/refer")).status_code == 303


async def test_a_keeper_ends_nobody_of_another_agency(front: Front) -> None:
    keeper = await front.site.signed_in(KEEPER)
    path = f"/refer/colleagues/{(await front.member(OTHER_AGENCY)).id}/end"
    form = {"csrf": keeper.form("/refer/sign-out").sent["csrf"]}
    assert (await keeper.http.post(path, data=form)).status_code == 404
    assert await statuses(await front.site.signed_in(OTHER_AGENCY), "/refer") == {200}
