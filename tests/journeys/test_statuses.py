"""Every status that a referral can have, as its agency sees it, and what leads there."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from shared.events import Route
from shared.service_map import of_authority
from shared.settings import Settings
from shared.working_time import day_in_london
from tests.journeys.people import Agency, Staff, a_mail, mails
from tests.system import System, call, eventually

OVER_AGE: dict[str, Any] = {"babies": [{"given_name": "Robin", "date_of_birth": "2021-03-01"}]}
LONG_TERM: dict[str, Any] = {
    "concern": {"severity": "severe", "domains": ["main_carer", "emotional", "cognitive"]},
    "requested_tier": "specialist_long",
}
WARD: Final = "E05012275"
"""Bulwell, where the families of these tests live."""
REFUSED: dict[str, Any] = {"consent": {"status": "refused"}}


def routes(seen: dict[str, Any]) -> dict[str, str]:
    return {each["route"]: each["status"] for each in seen["decision"]["routes"]}


def test_from_the_team_through_acceptance_to_the_end(system: System, health_visiting: Agency, worker: Staff) -> None:
    reference = health_visiting.refers()
    item = worker.finds("pir_short", reference)
    assert routes(health_visiting.sees_status(reference, "with_team")) == {"pir_short": "open"}

    worker.does(item, "claim")
    worker.does(item, "contact-attempt", outcome="no_answer")
    worker.does(item, "accept")
    assert routes(health_visiting.sees_status(reference, "accepted")) == {"pir_short": "accepted"}
    assert "taken on" in a_mail(system, reference, "outcome").subject

    worker.does(item, "first-contact")
    assert worker.tries(item, "first-contact").status == 409
    worker.does(item, "close", reason="completed")
    seen = health_visiting.sees_status(reference, "closed")
    assert [line["what"] for line in seen["history"]][-2:] == ["first-contact", "closed"]
    assert seen["expected_by"] is None

    # An ended referral takes no step any more
    assert health_visiting.changes(reference, notes="Too late").status == 409
    assert health_visiting.withdraws(reference).status == 409
    assert worker.tries(item, "note", text="Too late").status == 409


def test_a_proposed_decline_is_a_persons_look_until_a_lead_confirms_it(
    system: System, health_visiting: Agency, worker: Staff, lead: Staff
) -> None:
    before = system.totals_at_rest()
    reference = health_visiting.refers(**OVER_AGE)
    seen = health_visiting.sees_decided(reference)

    # The agency sees that a person looks, without the reasons of the decline
    assert seen["status"] == "being_reviewed"
    assert (seen["decision"]["mode"], seen["decision"]["eligibility"]) == ("human_review", "provisional")
    assert "E6" not in [reason["rule"] for reason in seen["decision"]["reasons"]]
    assert "signpost" not in str(seen)
    assert seen["other_help"] == []
    feed = health_visiting.call("GET", "/referrals?limit=200").body["items"]
    assert "signpost" not in str([item for item in feed if item["reference"] == reference])
    assert "person" in a_mail(system, reference, "decision").text

    # A worker sees the proposal but can't confirm it
    item = worker.finds("signpost_age", reference)
    assert worker.sees(item)["decision"]["mode"] == "propose_decline"
    assert worker.tries(item, "decline", reason="over_age").status == 403

    # A lead can
    lead.does(item, "decline", reason="over_age")
    seen = health_visiting.sees_status(reference, "declined")
    assert seen["decision"]["eligibility"] == "not_eligible"
    assert "E6" in [reason["rule"] for reason in seen["decision"]["reasons"]]
    on = day_in_london(datetime.now(UTC))
    others = of_authority("E06000018", folder=Settings.model_fields["service_maps_dir"].default)
    assert [each["name"] for each in seen["other_help"]] == [
        service.name for service in others.signposts(Route.SIGNPOST_AGE, ward=WARD, on=on)
    ]
    outcome = a_mail(system, reference, "outcome")
    assert "past the age" in outcome.text
    after = system.totals_at_rest()
    assert after["declined_proposed"] == before["declined_proposed"] + 1
    assert after["declined"] == before["declined"] + 1


def test_a_declined_referral_is_looked_at_again_when_the_facts_change(health_visiting: Agency, lead: Staff) -> None:
    reference = health_visiting.refers(**REFUSED)
    lead.does(lead.finds("advice_to_referrer", reference), "decline", reason="consent_refused")
    health_visiting.sees_status(reference, "declined")
    assert health_visiting.informs(reference, notes="They agree now").status == 409

    # The lead's decision stands; what the rules say now is for a person to take up
    assert health_visiting.changes(reference, consent={"status": "given"}).status == 200
    review = lead.finds("review", reference)
    assert "facts_changed" in lead.sees(review)["marks"]
    assert health_visiting.status(reference) == "declined"
    lead.does(review, "take-proposal")
    seen = health_visiting.sees_status(reference, "with_team")
    assert seen["decision"]["tier"] == "specialist_short"


def test_withdrawn_by_the_agency(system: System, health_visiting: Agency, worker: Staff) -> None:
    reference = health_visiting.refers()
    item = worker.finds("pir_short", reference)
    reply = health_visiting.withdraws(reference, "moved_away")
    assert (reply.status, reply.body["status"]) == (200, "withdrawn")
    assert health_visiting.status(reference) == "withdrawn"

    health_visiting.sees_status(reference, "withdrawn")
    assert "withdrawn" in a_mail(system, reference, "withdrawal").subject
    assert health_visiting.withdraws(reference).status == 409
    assert health_visiting.withdraws(reference, "no-such-code").status == 422

    # Nobody works on it any more
    shown = _once_ended(worker, item)
    assert (shown["state"], shown["end_reason"]) == ("closed", "withdrawn")
    assert worker.items("pir_short", reference) == []
    assert worker.tries(item, "claim").status == 409


def _once_ended(staff: Staff, item: str) -> dict[str, Any]:
    return eventually(lambda: (shown := staff.sees(item))["ended_at"] and shown, what=f"item {item} ended")


def test_waiting_for_the_referrer_until_they_answer(system: System, health_visiting: Agency, worker: Staff) -> None:
    reference = health_visiting.refers()
    item = worker.finds("pir_short", reference)
    worker.does(item, "claim")
    due = worker.sees(item)["due_at"]

    worker.does(item, "request-information", asked="Is an interpreter wanted at the first visit?")
    seen = health_visiting.sees_status(reference, "waiting_for_referrer")
    assert routes(seen) == {"pir_short": "waiting_for_referrer"}
    assert seen["expected_by"] is None
    assert "interpreter" not in a_mail(system, reference, "information-request").text

    # The answer runs the clock again, later by the time it waited
    assert health_visiting.informs(reference, notes="Yes, in Urdu.").status == 200
    seen = health_visiting.sees_status(reference, "with_team")
    assert "informed" in [line["what"] for line in seen["history"]]
    shown = eventually(lambda: (now := worker.sees(item))["state"] == "claimed" and now, what="with the worker again")
    assert shown["due_at"] >= due  # the working time of a few seconds: none on a Sunday
    assert shown["identity"]["answers"][0]["notes"] == "Yes, in Urdu."
    assert len(mails(system, reference, "information-request")) == 1


def test_on_the_waiting_list_while_every_place_is_taken(
    system: System, health_visiting: Agency, worker: Staff, manager: Staff
) -> None:
    with manager.with_places("pir_long", individual=0):
        reference = health_visiting.refers(**LONG_TERM)
        seen = health_visiting.sees_status(reference, "waiting_list")
        assert routes(seen) == {"pir_long": "waiting_list"}
        assert seen["decision"]["tier"] == "specialist_long"  # the tier never drops
        assert "small group" in a_mail(system, reference, "decision").text
        item = worker.finds("pir_long", reference)
        assert "waiting_list" in worker.sees(item)["marks"]
        assert worker.tries(item, "accept", place="individual").status == 409
        worker.does(item, "accept", place="group")
        health_visiting.sees_status(reference, "accepted")
    worker.does(item, "close", reason="completed")


def test_a_worker_may_not_set_places(worker: Staff) -> None:
    assert worker.call("GET", "/capacity").status == 200
    assert worker.call("PUT", "/capacity/pir_short", {"individual": 1}).status == 403


def test_every_status_and_step_is_in_the_docs(system: System) -> None:
    page = call("GET", f"{system.url('referral')}/docs").body
    for status in (
        *("received", "being_reviewed", "with_team", "waiting_for_referrer", "waiting_list", "accepted"),
        *("declined", "withdrawn", "closed"),
    ):
        assert f"<code>{status}<" in page
