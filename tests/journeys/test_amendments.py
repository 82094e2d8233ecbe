"""What an agency changes after sending: decided again, with the first received time kept (rule I2)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.families import a_referral, an_nhs_number
from tests.journeys.people import Agency, Staff, mails
from tests.system import System, eventually

SEVERE: dict[str, Any] = {"severity": "severe", "domains": ["main_carer", "emotional", "cognitive"]}


def in_days(days: int) -> str:
    return str(datetime.now(UTC).date() + timedelta(days=days))


def ended_items(staff: Staff, item: str) -> dict[str, str | None]:
    """route → why its item ended, of every item the referral ever had."""
    return {each["route"]: each["end_reason"] for each in staff.sees(item)["items"]}


def test_the_same_external_reference_with_another_body_is_an_amendment(
    system: System, health_visiting: Agency, worker: Staff
) -> None:
    before = system.totals_at_rest()
    family = a_referral()
    first = health_visiting.call("POST", "/referrals", family)
    reference = first.body["reference"]
    item = worker.finds("pir_short", reference)

    # When it is sent again, and the worry has grown
    again = health_visiting.call("POST", "/referrals", family | {"concern": SEVERE, "requested_tier": None})

    # Then it is the same referral, received when it first was
    assert again.status == 200
    assert (again.body["reference"], again.body["received_at"]) == (reference, first.body["received_at"])
    assert again.body["version"] == 2

    # And it is decided again: other work is opened, the old is closed
    seen = health_visiting.sees_decided(reference, version=2)
    assert (seen["version"], seen["received_at"]) == (2, first.body["received_at"])
    assert seen["decision"]["tier"] == "specialist_long"
    worker.finds("pir_long", reference)
    assert ended_items(worker, item) == {"pir_short": "decided_again", "pir_long": None}
    assert [decision["version"] for decision in worker.sees(item)["decisions"]] == [1, 2]
    assert worker.items("pir_short", reference) == []

    # And the agency gets a receipt and a decision for each version, but is counted once
    after = system.totals_at_rest()
    eventually(lambda: len(mails(system, reference)) == 4, what="four mails")
    assert sorted(mail.kind for mail in mails(system, reference)) == ["decision", "decision", "receipt", "receipt"]
    assert after["received"] == before["received"] + 1

    # And the changed body sent once more is the first receipt of that body
    assert (
        health_visiting.call("POST", "/referrals", family | {"concern": SEVERE, "requested_tier": None}).status == 200
    )
    assert health_visiting.sees(reference)["version"] == 2


def test_a_birth_replaces_the_due_date(health_visiting: Agency, worker: Staff) -> None:
    unborn = {"family_name": "Unborn", "due_on": in_days(20)}
    reference = health_visiting.refers(babies=[unborn])
    seen = health_visiting.sees_decided(reference)
    assert "E1" in [reason["rule"] for reason in seen["decision"]["reasons"]]
    item = worker.finds("pir_short", reference)
    worker.does(item, "claim")

    born = {"given_name": "Robin", "date_of_birth": in_days(-1), "nhs_number": an_nhs_number()}
    assert health_visiting.changes(reference, babies=[unborn | born]).status == 200

    seen = health_visiting.sees_decided(reference, version=2)
    rules = [reason["rule"] for reason in seen["decision"]["reasons"]]
    assert "E4" in rules
    assert "E1" not in rules
    # What fits as before stays where it is, with whoever works on it
    shown = worker.sees(item)
    assert (shown["state"], shown["assignee"], shown["ended_at"]) == ("claimed", "dev-triage-worker", None)
    assert shown["facts"]["infant"]["born_on"] == in_days(-1)
    assert shown["identity"]["document"]["babies"][0]["given_name"] == "Robin"


def test_a_patch_leaves_what_it_does_not_name_and_without_new_facts_nobody_hears_of_it(
    system: System, health_visiting: Agency, worker: Staff
) -> None:
    reference = health_visiting.refers()
    item = worker.finds("pir_short", reference)
    system.totals_at_rest()
    mailed = mails(system, reference)
    reply = health_visiting.changes(reference, consent={"given_by": None}, notes="Sana has moved in with Imran.")
    assert (reply.status, reply.body["version"]) == (200, 1)
    shown = worker.sees(item, why="rang")
    document = shown["identity"]["document"]
    assert document["consent"]["status"] == "given"
    assert "given_by" not in document["consent"]
    assert document["notes"] == "Sana has moved in with Imran."
    assert document["risk_factors"] == ["isolation", "traumatic_birth"]
    system.totals_at_rest()
    assert [decision["version"] for decision in shown["decisions"]] == [1]
    assert mails(system, reference) == mailed


def test_what_is_only_counted_reaches_the_counts_and_nothing_is_decided_again(
    system: System, health_visiting: Agency, worker: Staff
) -> None:
    family = a_referral()
    reference = str(health_visiting.call("POST", "/referrals", family).body["reference"])
    item = worker.finds("pir_short", reference)
    changed = [family["babies"][0] | {"ethnic_category": "99"}]
    assert health_visiting.changes(reference, babies=changed).body["version"] == 1

    def counted() -> bool:
        rows = system.query(
            "SELECT m.monitoring ->> 'baby_ethnicity' AS code FROM metrics.referral m"
            " JOIN referral.referral r ON r.id = m.id WHERE r.reference = $1",
            reference,
        )
        return [row["code"] for row in rows] == ["99"]

    eventually(counted, what="the code in the counts")
    assert [decision["version"] for decision in worker.sees(item)["decisions"]] == [1]
    system.totals_at_rest()  # mails are sent by a loop that looks once a second
    assert sorted(mail.kind for mail in mails(system, reference)) == ["decision", "receipt"]


def test_new_safety_information_brings_it_to_somebody_now(health_visiting: Agency, worker: Staff) -> None:
    reference = health_visiting.refers()
    reply = health_visiting.changes(reference, safety=["injury_nonmobile"])
    assert reply.status == 200
    assert any("999" in line for line in reply.body["act_now"])
    seen = health_visiting.sees_decided(reference, version=2)
    assert seen["decision"]["urgency"] == "now"
    assert {each["route"] for each in seen["decision"]["routes"]} == {"emergency_call", "mash"}
    worker.finds("emergency_call", reference)


def test_a_change_that_can_not_be_read_changes_nothing(health_visiting: Agency) -> None:
    reference = health_visiting.refers()
    assert health_visiting.changes(reference, babies=[]).status == 422
    assert health_visiting.changes(reference, external_reference="ANOTHER").status == 422
    assert health_visiting.changes(reference, no_such_member=1).status == 422
    assert health_visiting.call("PATCH", f"/referrals/{reference}", []).status == 422
    assert health_visiting.sees(reference)["version"] == 1


def test_a_patch_is_done_once_per_key(health_visiting: Agency) -> None:
    reference, key = health_visiting.refers(), "patch-once"
    change = {"requested_tier": None}
    first = health_visiting.call("PATCH", f"/referrals/{reference}", change, key=key)
    again = health_visiting.call("PATCH", f"/referrals/{reference}", change, key=key)
    assert (again.status, again.body) == (200, first.body)
    assert again.headers["idempotent-replayed"] == "true"
    assert health_visiting.sees(reference)["version"] == 2
    other = health_visiting.call("PATCH", f"/referrals/{reference}", {"notes": "Other"}, key=key)
    assert other.status == 422
