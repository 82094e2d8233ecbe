"""Steps of the author on pages of their own: each once, nothing typed is lost, and a refused one says how it stands."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from deploy.local import credentials
from shared.database import sql
from tests.integration.front import MEMBER, Browser
from tests.integration.front_work import Front, filled, page_of, statuses

OTHER_AGENCY: Final = credentials.MEMBERS["nursery"]
SOON: Final = str(datetime.now(UTC).date() + timedelta(days=10))


# Once, and news.


async def test_a_new_sign_hides_no_graver_one_of_before(front: Front, ada: Browser) -> None:
    """The document has room for one: a plan to harm the baby stays, and staff read the other in words."""
    sent = await front.sent(mental_health="harm_baby_plan")
    await filled(ada, page_of(sent, "tell"), mental_health="self_harm_new", notes="She told me today.")
    stored = await front.stored(sent)
    assert stored["document"]["mental_health"] == "harm_baby_plan"
    assert "Told as well: New thoughts or acts of self-harm" in stored["answers"][0]["notes"]
    assert "She told me today." in stored["answers"][0]["notes"]


async def test_after_a_loss_news_are_asked_for_with_a_word_for_it(front: Front, ada: Browser) -> None:
    sorry = "We are sorry for what this family has been through."
    for circumstances in ([], ["infant_died"]):
        sent = await front.sent(circumstances=circumstances)
        await ada.open(page_of(sent, "tell"))
        assert (sorry in ada.html) == bool(circumstances)


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


@pytest.mark.parametrize("slug", ["tell", "correct/words"])
async def test_what_was_typed_is_shown_again_when_the_session_has_ended(front: Front, ada: Browser, slug: str) -> None:
    sent = await front.sent()
    await ada.open(page_of(sent, slug))
    async with front.site.referral.engine.begin() as tx:
        await tx.execute(sql("DELETE FROM member_session"))
    answer = await ada.press(page_of(sent, slug), notes="A <b>long</b> story.")
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert "A &lt;b&gt;long&lt;/b&gt; story." in ada.html
    assert f"/refer/sign-in?next={page_of(sent, slug)}" in ada.links
    assert await front.stored(sent) == {"document": sent.body, "answers": []}
    forged = await ada.http.post(page_of(sent, slug), data={"csrf": "guessed", "notes": "A story."})
    assert (forged.status_code, forged.headers["location"]) == (303, f"/refer/sign-in?next={page_of(sent, slug)}")


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
