"""The same family more than once: from another agency, from the same one, a brother or sister."""

from __future__ import annotations

import re
from typing import Any, Final

from tests.families import a_referral, an_nhs_number
from tests.journeys.people import Agency, Staff, a_mail, mails
from tests.system import System

OF_OTHERS: Final = re.compile(r"duplicate|sibling_open|re_referral|\b(?:I3|M4|Q3)\b|[Aa]nother agency|same family")
"""What would tell an agency of another's referral."""


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
    assert (reply.status, reply.body["links"]) == (201, [])
    second = reply.body["reference"]
    assert second != first

    # Then a person looks at both together, and neither agency learns of the other
    seen = social_care.sees_decided(second)
    assert seen["status"] == "being_reviewed"
    assert [each["route"] for each in seen["decision"]["routes"]] == ["review"]
    item = worker.finds("review_duplicate", second)
    assert "duplicate" in worker.sees(item)["marks"]
    assert [(link["reference"], link["link"]) for link in worker.sees(item)["links"]] == [(first, "duplicate")]
    assert not OF_OTHERS.search(str(seen) + str(health_visiting.sees(first)))
    assert not [mail for each in (first, second) for mail in mails(system, each) if OF_OTHERS.search(mail.text)]

    # When the person finds that it is one family
    worker.does(item, "claim")
    worker.does(item, "confirm-duplicate", note="The mother confirmed it on the phone.")

    # Then both agencies are told, without learning who the other is, and nothing more is opened for the second
    told = [a_mail(system, reference, "duplicate") for reference in (first, second)]
    assert [mail.to for mail in told] == [health_visiting.inbox, social_care.inbox]
    for agency, reference in ((health_visiting, first), (social_care, second)):
        shown = agency.sees(reference)
        assert shown["links"] == ["duplicate"]
        assert "Another agency has also referred this family" in shown["next_step"]
        assert "linked" in [line["what"] for line in shown["history"]]
        for other in ("social", "health visiting", second if reference == first else first):
            assert other not in str(shown).lower()
    assert social_care.sees(second)["status"] == "closed"
    assert social_care.call("GET", f"/referrals/{first}").status == 404

    # And when the first is withdrawn, the second is looked at again
    health_visiting.withdraws(first)
    item = worker.finds("review_duplicate", second)
    assert "other_withdrawn" in worker.sees(item)["marks"]


def test_what_is_not_the_same_family_goes_where_it_would_have_gone(
    system: System, health_visiting: Agency, social_care: Agency, worker: Staff, lead: Staff
) -> None:
    family = a_referral()
    first = health_visiting.refers(family)
    second = social_care.refers(the_same_family(family))
    item = worker.finds("review_duplicate", second)
    worker.does(item, "claim")
    worker.does(item, "not-duplicate")
    assert worker.finds("pir_short", second)
    assert worker.sees(item)["state"] == "closed"
    assert health_visiting.sees(first)["links"] == social_care.sees(second)["links"] == []

    # A lead takes it back
    lead.does(item, "reopen", note="They are the same after all.")
    assert worker.finds("review_duplicate", second)


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
    assert (reply.status, reply.body["links"]) == (201, [])
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
    assert (reply.status, reply.body["links"]) == (201, [])


def test_strangers_are_not_linked(health_visiting: Agency, social_care: Agency) -> None:
    health_visiting.refers()
    reply = social_care.call("POST", "/referrals", a_referral())
    assert (reply.status, reply.body["links"]) == (201, [])
