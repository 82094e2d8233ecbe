"""The same family more than once: from another agency, from the same one, a brother or sister."""

from __future__ import annotations

from typing import Any

from tests.families import a_referral, an_nhs_number
from tests.journeys.people import Agency, Staff, a_mail, mails
from tests.system import System


def the_same_family(family: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """As somebody else would write it, under a reference of their own."""
    return a_referral() | {name: family[name] for name in ("babies", "caregivers", "home")} | changes


def test_a_second_agency_is_linked_and_both_are_told(
    system: System, health_visiting: Agency, social_care: Agency, worker: Staff
) -> None:
    # Given a family that one agency has referred
    family = a_referral()
    first = health_visiting.refers(family)
    health_visiting.sees_decided(first)

    # When another refers it too
    reply = social_care.call("POST", "/referrals", the_same_family(family))
    assert (reply.status, reply.body["links"]) == (201, ["duplicate"])
    second = reply.body["reference"]
    assert second != first

    # Then a person looks at both together, instead of two teams at one each
    seen = social_care.sees_decided(second)
    assert seen["status"] == "being_reviewed"
    assert [each["route"] for each in seen["decision"]["routes"]] == ["review_duplicate"]
    item = worker.finds("review_duplicate", second)
    assert "duplicate" in worker.sees(item)["marks"]
    assert [(link["reference"], link["link"]) for link in worker.sees(item)["links"]] == [(first, "duplicate")]

    # And both agencies are told, without learning who the other is
    assert "Another agency has also referred this family" in seen["next_step"]
    assert "Another agency has referred this family too" in a_mail(system, second, "decision").text
    told = a_mail(system, first, "duplicate")
    assert told.to == health_visiting.inbox
    assert "Another agency" in health_visiting.sees(first)["next_step"]
    assert "linked" in [line["what"] for line in health_visiting.sees(first)["history"]]
    for text in (told.text, str(health_visiting.sees(first)), str(seen)):
        assert "social" not in text.lower()
        assert "health visiting" not in text.lower()
    assert second not in str(health_visiting.sees(first))
    assert first not in str(seen)

    # And neither sees the other's referral
    assert social_care.call("GET", f"/referrals/{first}").status == 404

    # And an amendment of the second tells the first no second time
    social_care.changes(second, notes="A little more.", risk_factors=["isolation"])
    social_care.sees_decided(second, version=2)
    system.totals_at_rest()
    assert len(mails(system, first, "duplicate")) == 1


def test_the_same_agency_again_is_a_mark_and_nothing_else(
    system: System, health_visiting: Agency, worker: Staff
) -> None:
    family = a_referral()
    first = health_visiting.refers(family)
    reply = health_visiting.call("POST", "/referrals", the_same_family(family))
    assert (reply.status, reply.body["links"]) == (201, ["repeat"])
    second = reply.body["reference"]
    seen = health_visiting.sees_decided(second)
    assert seen["status"] == "with_team"
    item = worker.finds("pir_short", second)
    assert "repeat" in worker.sees(item)["marks"]
    assert {link["reference"] for link in worker.sees(item)["links"]} == {first}
    assert mails(system, first, "duplicate") == []


def test_a_brother_or_sister_is_a_mark(health_visiting: Agency, social_care: Agency, worker: Staff) -> None:
    family = a_referral()
    health_visiting.refers(family)
    [baby] = family["babies"]
    sister = baby | {"given_name": "Leila", "nhs_number": an_nhs_number(), "date_of_birth": "2026-01-01"}
    reply = social_care.call("POST", "/referrals", the_same_family(family, babies=[sister]))
    assert (reply.status, reply.body["links"]) == (201, ["sibling_open"])
    reference = reply.body["reference"]
    social_care.sees_decided(reference)
    assert "sibling_open" in worker.sees(worker.finds("pir_short", reference))["marks"]


def test_a_family_that_comes_back_is_known_again(health_visiting: Agency, worker: Staff) -> None:
    family = a_referral()
    first = health_visiting.refers(family)
    item = worker.finds("pir_short", first)
    worker.does(item, "claim")
    worker.does(item, "close", reason="moved_away")
    health_visiting.sees_status(first, "closed")
    reply = health_visiting.call("POST", "/referrals", the_same_family(family))
    assert (reply.status, reply.body["links"]) == (201, ["re_referral"])


def test_strangers_are_not_linked(health_visiting: Agency, social_care: Agency) -> None:
    health_visiting.refers()
    reply = social_care.call("POST", "/referrals", a_referral())
    assert (reply.status, reply.body["links"]) == (201, [])
