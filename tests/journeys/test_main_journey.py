"""The main job, from the referral to the family's first contact, as an agency and a worker see it."""

from __future__ import annotations

import json
from uuid import uuid4

from tests.families import a_referral
from tests.journeys.people import Agency, Staff, a_mail, mails
from tests.system import NAMES, System, call, eventually


def test_a_referral_reaches_a_worker_and_the_agency_hears_of_it(
    system: System, health_visiting: Agency, social_care: Agency, lead: Staff, worker: Staff
) -> None:
    # Given what has been counted so far, and a family nobody knows
    before = system.totals_at_rest()
    family = a_referral()
    [baby] = family["babies"]

    # When the agency refers it
    key = uuid4().hex
    receipt = health_visiting.call("POST", "/referrals", family, key=key)

    # Then it is received under a reference that can be spoken
    assert receipt.status == 201
    reference = receipt.body["reference"]
    assert reference.startswith("PIR-")
    assert receipt.headers["location"] == f"/referrals/{reference}"
    assert receipt.body["status"] == "received"
    assert receipt.body["act_now"] == []
    assert receipt.body["links"] == []

    # And it is decided, with reasons in words
    seen = health_visiting.sees_decided(reference)
    decision = seen["decision"]
    assert seen["status"] == "with_team"
    assert (decision["eligibility"], decision["mode"], decision["tier"]) == (
        "eligible",
        "auto_route",
        "specialist_short",
    )
    assert [each["route"] for each in decision["routes"]] == ["pir_short"]
    assert decision["urgency"]
    assert decision["policy"] == {"id": "nottingham", "version": 3}
    assert all(reason["rule"] and reason["text"] for reason in decision["reasons"])
    assert seen["next_step"]
    assert seen["expected_by"]
    assert seen["received_at"] == receipt.body["received_at"]

    # And nobody else can see it
    assert social_care.call("GET", f"/referrals/{reference}").status == 404
    assert call("GET", f"{system.url('referral')}/referrals/{reference}").status == 401

    # And it is in the queue, where one of two who claim it at once gets it
    item = lead.finds("pir_short", reference)
    first, second = lead.tries(item, "claim"), worker.tries(item, "claim")
    assert (first.status, second.status) == (200, 409)
    assert second.body["assignee"] == "dev-triage-lead"

    # And whoever works with it sees why, and who it is about
    shown = lead.sees(item)
    assert shown["identity"]["document"]["babies"] == [baby]
    assert "N3" in shown["decision"]["rules"]
    assert Staff(system, "commissioner").call("GET", f"/work-items/{item}").status == 403

    # And the team's inbox has one receipt and one decision, without a name or a date
    a_mail(system, reference, "receipt")
    a_mail(system, reference, "decision")
    after = system.totals_at_rest()
    sent = mails(system, reference)
    assert sorted(mail.kind for mail in sent) == ["decision", "receipt"]
    assert {mail.to for mail in sent} == {health_visiting.inbox}
    for mail in sent:
        for word in (baby["family_name"], baby["given_name"], baby["date_of_birth"], "Sana", "NG6"):
            assert word not in mail.subject + mail.text

    # And it is counted once
    assert {stage: after[stage] - before[stage] for stage in ("received", "triaged", "acknowledged", "routed")} == {
        "received": 1,
        "triaged": 1,
        "acknowledged": 1,
        "routed": 1,
    }


def test_sending_the_same_again_changes_nothing(system: System, health_visiting: Agency) -> None:
    family, key = a_referral(), uuid4().hex
    first = health_visiting.call("POST", "/referrals", family, key=key)

    # The same JSON with other spacing and order is the same request
    other_way = json.dumps(dict(reversed(family.items())), indent=3).encode()
    again = health_visiting.call("POST", "/referrals", other_way, key=key)
    assert (again.status, again.body) == (201, first.body)
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers

    # Other JSON under the same key is a mistake
    reused = health_visiting.call("POST", "/referrals", a_referral(), key=key)
    assert (reused.status, reused.body["type"]) == (422, "urn:pir:problem:idempotency-key-reused")

    # The agency's own reference under a new key is the first receipt, with the status of now
    known = health_visiting.call("POST", "/referrals", family)
    assert (known.status, known.body) == (200, first.body | {"status": known.body["status"]})

    # And one referral is all that came of it
    system.totals_at_rest()
    reference = first.body["reference"]
    settled = health_visiting.call("POST", "/referrals", family)
    assert settled.body == first.body | {"status": health_visiting.status(reference)}
    assert [line["what"] for line in health_visiting.sees_decided(reference)["history"]].count("received") == 1
    assert len(mails(system, reference, "receipt")) == 1


def test_a_key_belongs_to_its_agency_and_is_free_again_after_a_refusal(
    health_visiting: Agency, social_care: Agency
) -> None:
    key = uuid4().hex
    assert health_visiting.call("POST", "/referrals", {"babies": []}, key=key).status == 422
    assert health_visiting.call("POST", "/referrals", a_referral(), key=key).status == 201
    theirs = social_care.call("POST", "/referrals", a_referral(), key=key)
    assert theirs.status == 201
    assert "idempotent-replayed" not in theirs.headers


def test_every_service_describes_itself_and_names_nobody(system: System, health_visiting: Agency) -> None:
    family = a_referral()
    health_visiting.sees_decided(health_visiting.refers(family))
    for name in NAMES:
        metrics = call("GET", f"{system.url(name)}/metrics")
        assert (metrics.status, "pir_" in metrics.body) == (200, True)
        assert family["babies"][0]["family_name"] not in metrics.body
        assert "NG6" not in metrics.body
        for path in ("/docs", "/asyncapi", "/openapi.json", "/health/live", "/health/ready"):
            assert call("GET", system.url(name) + path).status == 200


def test_what_an_agency_needs_to_know_is_open_to_all(system: System) -> None:
    reply = call("GET", f"{system.url('referral')}/requirements")
    assert reply.status == 200
    known = reply.body
    assert set(known) >= {"required", "code_lists", "age_window", "area", "routes", "what_happens_next", "ring_now"}
    assert len(known["area"]["wards_open_today"]) == 4
    assert "999" in [number["phone"] for number in known["ring_now"]["numbers"]]
    assert "given" in known["code_lists"]["consent"]


def test_the_feed_shows_every_change_once_whatever_the_page(system: System) -> None:
    nursery = Agency(system, "nursery")

    def pages(cursor: str | None, limit: int) -> tuple[list[str], str]:
        """Page on until a page is empty; raises nothing when there is nothing new."""
        found: list[str] = []
        while True:
            since = f"&changed_since={cursor}" if cursor else ""
            reply = nursery.call("GET", f"/referrals?limit={limit}{since}")
            assert reply.status == 200, reply
            found += [item["reference"] for item in reply.body["items"]]
            assert len(reply.body["items"]) <= limit
            cursor = reply.body["next"]
            if not reply.body["items"]:
                return found, str(cursor)

    _, before = pages(None, 200)  # other journeys are of this agency, too
    references = [nursery.refers() for _ in range(5)]
    for reference in references:
        nursery.sees_decided(reference)

    # All of them come, in pages of two or at once, each in its last state
    two, _ = pages(before, 2)
    assert set(two) == set(references)
    whole, cursor = pages(before, 200)
    assert sorted(whole) == sorted(references)

    # Nothing is new until something changes, and then only that
    assert pages(cursor, 50)[0] == []
    nursery.withdraws(references[2])
    assert set(eventually(lambda: pages(cursor, 50)[0], what="the change")) == {references[2]}

    # A feed is the agency's own
    assert not set(references) & {
        item["reference"] for item in Agency(system, "midwifery").call("GET", "/referrals?limit=200").body["items"]
    }
