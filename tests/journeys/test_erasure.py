"""A family is erased: every trace of it goes, in all four services, and nothing that comes later brings it back."""

from __future__ import annotations

import re

from tests.journeys.erasing import end_the_danger, erase
from tests.journeys.people import Agency, Staff
from tests.system import System
from tests.traces import hear_again, keys_of, planted, shown_to, traces, wait_until_gone


def test_an_erasure_takes_everything_and_nothing_brings_it_back(
    system: System, health_visiting: Agency, social_care: Agency, worker: Staff, lead: Staff
) -> None:
    # Given a family in danger that two agencies have referred, with work, notes, answers and amendments
    family = planted(system)
    reference, other = health_visiting.refers(family.referral()), social_care.refers(family.referral())
    item = lead.finds("mash", reference)
    lead.does(item, "claim")
    lead.does(item, "note", text=f"{family.tag} opened the door")
    assert health_visiting.informs(reference, notes=f"{family.tag} says yes.").status == 200
    assert health_visiting.changes(reference, risk_factors=["isolation", "low_mood"]).status == 200
    health_visiting.sees_decided(reference, version=2)
    assert traces(system, family, reference, other)

    # When it is asked for while the danger is not looked into, it is refused
    code, said = system.tries("services.referral", "erase", reference, "--yes")
    assert (code, "mash" in said) == (1, True), said

    # And under a hold
    for each in (reference, other):
        end_the_danger(lead, each)
    system.run("services.referral", "hold", "add", reference, "--reason", "Inquiry", "--review-on", "2027-12-31")
    code, said = system.tries("services.referral", "erase", reference, "--yes")
    assert (code, "hold" in said) == (1, True), said
    number = re.search(r"hold end (\d+)", said)
    assert number
    system.run("services.referral", "hold", "end", number[1])
    assert system.tries("services.referral", "erase", reference, "--status")[0] == 1

    # When it is erased, late events and a republish of the past included
    for each in (reference, other):
        erase(system, each)
    for service in ("referral", "triage", "notify"):
        system.run(f"services.{service}", "republish")
    system.totals_at_rest()
    hear_again(system, *keys_of(system, reference, other))

    # Then no table says anything of the family, and the agency reads only that there was a referral
    wait_until_gone(system, family, reference, other)
    gone = health_visiting.call("GET", f"/referrals/{reference}")
    assert (gone.status, gone.body["type"]) == (410, "urn:pir:problem:erased")
    assert health_visiting.changes(reference, notes="Too late").status == 410
    assert social_care.changes(reference, notes="Not theirs").status == 404
    [seen] = [item for page in health_visiting.reads_feed() for item in page["items"] if item["reference"] == reference]
    assert (seen["status"], seen["decision"], seen["links"]) == ("closed", None, [])
    assert "erased" in seen["next_step"]
    read = shown_to(health_visiting, reference) + shown_to(social_care, other)
    assert [word for word in family.telling if word in read] == []
    assert worker.sees(item)["facts"] == {}

    # And what the ledger knows is erased again where a backup has brought it back
    assert system.run("services.referral", "erase", "--from-ledger").endswith("erased already\n")
