"""After sending, on the pages for referrers: own work, one referral, its steps, enquiries, and what keepers see."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx
import pytest

from deploy.local import credentials
from services.referral.erasing import erase
from services.referral.front import authors, members
from services.referral.front.members import Member
from services.referral.settings import Settings
from services.referral.submitting.prepare import identities_of
from services.triage import app as triage_app
from services.triage.settings import Settings as TriageSettings
from services.triage.staff_notes import StaffNotes
from shared.audit import Actor
from shared.crypto import read_key
from shared.events import DecidedBy, Eligibility, ReferralTriaged, WaitingFor, WorkItemWaiting
from tests.builders import a_family, decided
from tests.integration.conftest import behind
from tests.integration.front import KEEPER, MEMBER, Browser, FrontSite, front_site
from tests.integration.support import an_event, count, fetch
from tests.integration.test_referral_after_decision import Sent, a_sent
from tests.integration.test_triage import hear, received
from tests.integration.triage_team import TriageTeam

OTHER_AGENCY: Final = credentials.MEMBERS["nursery"]
SOON: Final = str(datetime.now(UTC).date() + timedelta(days=10))
SETUP: Final = Actor("operator", "test")


@dataclass
class Front:
    """The site, and what is set up behind the pages."""

    site: FrontSite
    settings: dict[str, Any]

    async def member(self, address: str) -> Member:
        async with self.site.referral.engine.connect() as tx:
            found = await members.by_email(tx, identities_of(Settings(**self.settings)), address)
        assert found
        return found

    async def added(self, address: str, *, is_keeper: bool = False, **known: str) -> Member:
        """One more person of the health visitors."""
        async with self.site.referral.engine.begin() as tx:
            await members.add(
                tx,
                identities_of(Settings(**self.settings)),
                slug="health-visiting",
                email=address,
                is_keeper=is_keeper,
                actor=SETUP,
                at=datetime.now(UTC),
                known=known,
            )
        return await self.member(address)

    async def sent(self, address: str = MEMBER, **changes: Any) -> Sent:
        """A referral of this member."""
        sent = await a_sent(self.site.referral, **changes)
        sent.began -= timedelta(minutes=1)  # what triage says of it is heard before what the author does next
        async with self.site.referral.engine.begin() as tx:
            await authors.keep(tx, sent.id, (await self.member(address)).id)
        return sent

    async def stored(self, sent: Sent) -> dict[str, Any]:
        """The document and the answers, as staff see them."""
        headers = {"Authorization": f"Bearer {self.settings['internal_token']}", "X-PIR-Actor": "tess"}
        answer = await self.site.referral.http.get(f"/internal/referrals/{sent.id}/identity", headers=headers)
        body: dict[str, Any] = answer.json()
        return body

    async def audited(self, sent: Sent) -> list[tuple[str, str]]:
        """Who of the agency did what to it, in order."""
        rows = await fetch(
            self.site.referral.engine,
            "SELECT actor_id, action FROM audit WHERE referral_id = :id AND actor_kind = 'member' ORDER BY id",
            id=sent.id,
        )
        return [(row.actor_id, row.action) for row in rows]

    async def erased(self, sent: Sent) -> None:
        async with self.site.referral.engine.begin() as tx:
            assert await erase(tx, sent.reference, actor=SETUP, at=datetime.now(UTC))


@pytest.fixture
async def front(
    database: str, settings: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Front]:
    async with front_site(database, settings, tmp_path, monkeypatch) as site:
        yield Front(site, settings)


@pytest.fixture
async def ada(front: Front) -> Browser:
    """Signed in; she sends referrals and is no keeper."""
    return await front.site.signed_in(MEMBER)


def page_of(sent: Sent, slug: str = "") -> str:
    return f"/refer/{sent.reference}{slug and '/'}{slug}"


async def filled(browser: Browser, path: str, **fields: Any) -> httpx.Response:
    """Open a form and send it; a redirect is followed."""
    assert (await browser.open(path)).status_code == 200
    return await browser.press(path, **fields)


async def statuses(browser: Browser, *paths: str) -> set[int]:
    return {(await browser.open(path)).status_code for path in paths}


async def waits(sent: Sent, *, after: int) -> None:
    """Staff asked the referrer something."""
    what = {"work_item_id": uuid4(), "route": "pir_short", "waiting_for": WaitingFor.REFERRER}
    await sent.hears(WorkItemWaiting, after=after, **what)


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
    assert "has been erased" in keeper.html
    form = {"csrf": keeper.form("/refer/sign-out").sent["csrf"]}
    assert (await keeper.http.post(page_of(sent, "take-over"), data=form)).status_code == 409
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
        team.texts = StaffNotes(read_key(front.settings["triage_master_key"]))

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
    assert await count(front.site.referral.engine, looks) > 0


async def test_without_triage_the_page_says_so_and_an_answer_is_taken_all_the_same(front: Front, ada: Browser) -> None:
    sent = await front.sent()
    await sent.is_decided(after=1)
    await waits(sent, after=2)
    await ada.open(page_of(sent))
    assert "show our questions now" in ada.html
    await filled(ada, page_of(sent, "answer"), notes="She moved to her mother's.")
    assert await sent.status() != "waiting_for_referrer"


async def test_a_form_that_is_sent_twice_does_its_step_once(front: Front, ada: Browser) -> None:
    sent = await front.sent()
    await ada.open(page_of(sent, "tell"))
    form = ada.form(page_of(sent, "tell")).sent | {"notes": "They have a new home."}
    twice = await asyncio.gather(*(ada.http.post(page_of(sent, "tell"), data=form) for _ in range(2)))
    assert [each.status_code for each in twice] == [303, 303]
    assert len((await front.stored(sent))["answers"]) == 1
    other = await ada.http.post(page_of(sent, "tell"), data=form | {"notes": "Something else."})
    assert other.status_code == 409
    assert "Something else." in other.text
    assert len((await front.stored(sent))["answers"]) == 1


# News, a birth, corrections.


async def test_a_danger_that_is_told_stands_beside_what_was_told_before(front: Front, ada: Browser) -> None:
    sent = await front.sent(safety=["domestic_abuse"])
    await filled(ada, page_of(sent, "tell"), safety="injury_nonmobile", notes="A bruise on the arm.")
    assert "Ring now" in ada.html
    stored = await front.stored(sent)
    assert set(stored["document"]["safety"]) == {"domestic_abuse", "injury_nonmobile"}
    assert (await sent.seen())["version"] == 2
    await ada.open(page_of(sent))
    assert "Ring now" not in ada.html


async def test_a_refused_form_with_a_danger_in_it_says_whom_to_ring(front: Front, ada: Browser) -> None:
    sent = await front.sent()
    await ada.open(page_of(sent, "tell"))
    await sent.call("POST", "/withdrawal", {"reason": "other"})
    answer = await ada.press(page_of(sent, "tell"), safety="immediate_danger", notes="He is at the door.")
    assert answer.status_code == 409
    for words in ("Ring now", "He is at the door.", "You withdrew this referral."):
        assert words in ada.html


async def test_nothing_new_is_asked_for_again(front: Front, ada: Browser) -> None:
    sent = await front.sent()
    assert (await filled(ada, page_of(sent, "tell"))).status_code == 422


async def test_the_birth_takes_the_place_of_the_due_date_and_all_else_stays(front: Front, ada: Browser) -> None:
    unborn = {"given_name": "Robin", "due_on": SOON, "ethnic_category": "J"}
    sent = await front.sent(babies=[unborn])
    await ada.open(page_of(sent))
    assert page_of(sent, "born") in ada.links
    born = datetime.now(UTC).date() - timedelta(days=1)
    refused = await filled(ada, page_of(sent, "born"), babies__0__date_of_birth="")
    assert refused.status_code == 422
    refused = await ada.press(page_of(sent, "born"), babies__0__date_of_birth="yesterday")
    assert refused.status_code == 422
    assert "yesterday" in ada.html
    await ada.press(page_of(sent, "born"), babies__0__date_of_birth=f"{born.day} {born.month} {born.year}")
    assert "The birth is written down" in ada.html
    [baby] = (await front.stored(sent))["document"]["babies"]
    assert baby == {"given_name": "Robin", "ethnic_category": "J", "date_of_birth": str(born)}
    assert page_of(sent, "born") not in ada.links


async def test_a_baby_born_much_too_early_keeps_its_due_date(front: Front, ada: Browser) -> None:
    due = str(datetime.now(UTC).date() + timedelta(days=50))
    sent = await front.sent(babies=[{"due_on": due}])
    await filled(ada, page_of(sent, "born"), babies__0__date_of_birth=str(datetime.now(UTC).date()))
    [baby] = (await front.stored(sent))["document"]["babies"]
    assert baby["due_on"] == due


async def test_after_a_loss_nobody_is_asked_whether_the_baby_is_born(front: Front, ada: Browser) -> None:
    sent = await front.sent(babies=[{"due_on": SOON}], circumstances=["pregnancy_ended"])
    await ada.open(page_of(sent))
    assert page_of(sent, "born") not in ada.links


async def test_a_correction_changes_its_own_boxes_and_nothing_else(front: Front, ada: Browser) -> None:
    sent = await front.sent()
    await ada.open(page_of(sent, "correct"))
    assert page_of(sent, "correct/contact") in ada.links
    await filled(ada, page_of(sent, "correct/contact"), caregivers__0__phone="07700 900555")
    assert "Your change is saved" in ada.html
    document = (await front.stored(sent))["document"]
    mother, father = sent.body["caregivers"]
    assert document == sent.body | {"caregivers": [mother | {"phone": "07700 900555"}, father]}


async def test_an_address_can_become_a_secret_one(front: Front, ada: Browser) -> None:
    sent = await front.sent()
    await filled(ada, page_of(sent, "correct/home"), home__postcode="", home__withheld="true")
    assert (await front.stored(sent))["document"]["home"] == {"withheld": True}


async def test_a_correction_that_can_not_be_read_keeps_what_was_typed(front: Front, ada: Browser) -> None:
    sent = await front.sent()
    answer = await filled(ada, page_of(sent, "correct/contact"), caregivers__0__phone="12 and a half")
    assert answer.status_code == 422
    assert "12 and a half" in ada.html
    assert (await front.stored(sent))["document"] == sent.body


async def test_a_page_that_changed_in_another_window_is_shown_again(front: Front, ada: Browser) -> None:
    sent = await front.sent()
    path = page_of(sent, "correct/contact")
    await ada.open(path)
    mother, father = sent.body["caregivers"]
    changed = mother | {"phone": "07700 900777"}
    await sent.change(caregivers=[changed, father])
    answer = await ada.press(path, caregivers__0__phone="07700 900888")
    assert answer.status_code == 409
    assert "07700 900888" in ada.html
    assert (await front.stored(sent))["document"]["caregivers"][0] == changed
    await ada.press(path)
    assert (await front.stored(sent))["document"]["caregivers"][0]["phone"] == "07700 900888"


async def test_a_slip_drops_no_danger(front: Front, ada: Browser) -> None:
    sent = await front.sent(safety=["immediate_danger"])
    await filled(ada, page_of(sent, "correct/safety"), safety=[])
    assert "The danger that you told us of stays" in ada.html
    assert (await front.stored(sent))["document"]["safety"] == ["immediate_danger"]


async def test_another_carer_is_added_on_the_page_and_saved_with_it(front: Front, ada: Browser) -> None:
    sent = await front.sent()
    path = page_of(sent, "correct/carers")
    await ada.open(path)
    await ada.press(path, button="add=1")
    assert "caregivers.2.given_name" in ada.form(path).boxes
    assert len((await front.stored(sent))["document"]["caregivers"]) == 2
    await ada.press(path, caregivers__2__relationship="kinship", caregivers__2__given_name="Noor")
    people = (await front.stored(sent))["document"]["caregivers"]
    assert people == [*sent.body["caregivers"], {"relationship": "kinship", "given_name": "Noor"}]


# Withdrawing, challenging, a copy.


async def test_a_withdrawal_is_checked_before_it_is_one(front: Front, ada: Browser) -> None:
    sent = await front.sent()
    path = page_of(sent, "withdraw")
    assert (await filled(ada, path)).status_code == 422
    await ada.press(path, reason="moved_away")
    assert await sent.status() == "received"
    assert "The family moved away" in ada.html
    await ada.press(path)
    assert "You have withdrawn this" in ada.html
    assert await sent.status() == "withdrawn"
    assert (await sent.row()).withdrawal_reason == "moved_away"
    steps = ("answer", "tell", "withdraw", "challenge", "correct", "correct/safety", "born")
    assert await statuses(ada, *(page_of(sent, slug) for slug in steps)) == {409}


async def test_a_decline_is_challenged_once(front: Front, ada: Browser) -> None:
    sent = await front.sent()
    path = page_of(sent, "challenge")
    assert await statuses(ada, path) == {409}
    await sent.is_decided(after=1)
    await sent.is_declined(after=2)
    await ada.open(page_of(sent))
    assert path in ada.links
    await filled(ada, path, notes="I see her each week, and it does not get better.")
    assert "Another lead" in ada.html
    assert path not in ada.links
    assert (await sent.row()).challenged_at is not None
    assert await statuses(ada, path) == {409}


async def test_a_copy_has_all_that_was_said_and_what_became_of_it(front: Front, ada: Browser) -> None:
    sent = await front.sent()
    await filled(ada, page_of(sent, "tell"), notes="They have a new home.")
    await ada.open(page_of(sent, "copy"))
    for words in ("07700 900123", sent.body["notes"], "They have a new home.", "We received the referral."):
        assert words in ada.html
    me = str((await front.member(MEMBER)).id)
    assert (await front.audited(sent))[-1] == (me, "member.copied")


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
    monkeypatch.setattr("services.referral.front.keeping.ON_A_PAGE", 1)
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
