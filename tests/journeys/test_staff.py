"""What staff do with a work item, and what each role may see."""

from __future__ import annotations

import pytest

from tests.families import a_referral
from tests.journeys.people import Agency, Staff, a_mail
from tests.system import System, eventually


def test_a_person_decides_otherwise_and_both_decisions_are_kept(
    system: System, health_visiting: Agency, worker: Staff
) -> None:
    reference = health_visiting.refers()
    item = worker.finds("pir_short", reference)
    reason = "Maya from the Hub knows them well"
    worker.does(item, "override", routes=["targeted", "universal"], tier="targeted", reason=reason)

    shown = worker.sees(item)
    machine, person = shown["decisions"]
    assert (machine["decided_by"], machine["tier"], machine["routes"]) == ("machine", "specialist_short", ["pir_short"])
    assert (person["decided_by"], person["tier"]) == ("person", "targeted")
    assert person["routes"] == ["targeted", "universal"]
    assert person["actor"] == "dev-triage-worker"
    assert shown["end_reason"] == "decided_again"
    assert {each["route"] for each in shown["items"] if not each["ended_at"]} == {"targeted", "universal"}

    seen = eventually(
        lambda: (now := health_visiting.sees(reference))["decision"] and now["decision"]["tier"] == "targeted" and now,
        what="the outcome",
    )
    assert "decided-by-person" in [line["what"] for line in seen["history"]]
    assert "Maya" not in str(seen) + a_mail(system, reference, "outcome").text


def test_what_staff_write_is_sealed_and_shown_to_colleagues_only(
    system: System, health_visiting: Agency, worker: Staff, lead: Staff, manager: Staff
) -> None:
    reference = health_visiting.refers()
    item = worker.finds("pir_short", reference)
    worker.does(item, "note", text="Grandmother Yasmin opens the door")

    texts = lead.sees(item, why="quality_review")["texts"]
    assert [(text["kind"], text["author"], text["text"]) for text in texts] == [
        ("note", "dev-triage-worker", "Grandmother Yasmin opens the door")
    ]
    assert "Yasmin" not in str(manager.sees(item))
    assert "Yasmin" not in str(health_visiting.sees(reference))
    [row] = system.query(
        "SELECT sealed FROM triage.staff_text t JOIN triage.referral r ON r.id = t.referral_id WHERE reference = $1",
        reference,
    )
    assert b"Yasmin" not in row["sealed"]
    assert worker.tries(item, "note", text="").status == 422


def test_a_manager_sees_the_work_but_not_the_family(health_visiting: Agency, worker: Staff, manager: Staff) -> None:
    family = a_referral()
    item = worker.finds("pir_short", health_visiting.refers(family))
    shown = manager.sees(item)
    assert shown["decision"]["tier"] == "specialist_short"
    assert not {"identity", "texts"} & set(shown)
    assert family["babies"][0]["family_name"] not in str(shown)
    for step in ("claim", "accept", "note", "close", "override", "decline"):
        assert manager.tries(item, step).status == 403


@pytest.mark.parametrize("role", ["commissioner", "operations", "auditor"])
def test_roles_without_a_part_in_the_work_see_none_of_it(
    system: System, health_visiting: Agency, worker: Staff, role: str
) -> None:
    reference = health_visiting.refers()
    item, other = worker.finds("pir_short", reference), Staff(system, role)
    for path in ("/queues", f"/queues/pir_short?reference={reference}", f"/work-items/{item}", "/capacity"):
        assert other.call("GET", path).status == 403
    for step in ("claim", "note", "assign", "decline", "close"):
        assert other.tries(item, step).status == 403
    assert other.call("POST", "/preview", {}).status == 403
    assert other.call("PUT", "/capacity/pir_short", {"individual": 1}).status == 403


def test_every_look_at_a_family_is_written_down_on_both_sides(
    system: System, health_visiting: Agency, worker: Staff, manager: Staff
) -> None:
    reference = health_visiting.refers()
    item = worker.finds("pir_short", reference)
    manager.sees(item)
    worker.sees(item)
    worker.sees(item, why="rang")
    looks = """SELECT actor_id FROM {0}.audit a JOIN {0}.referral r ON r.id = a.referral_id
               WHERE reference = $1 AND action = 'identity.viewed'"""
    for schema in ("triage", "referral"):
        rows = system.query(looks.format(schema), reference)
        assert [row["actor_id"] for row in rows] == ["dev-triage-worker"]


def test_a_lead_gives_work_to_a_colleague_and_a_worker_does_not(
    health_visiting: Agency, worker: Staff, lead: Staff
) -> None:
    reference = health_visiting.refers()
    item = lead.finds("pir_short", reference)
    assert worker.tries(item, "assign", to="dev-triage-lead").status == 403
    assert lead.does(item, "assign", to="dev-triage-worker")["assignee"] == "dev-triage-worker"
    reply = worker.call("GET", f"/queues/pir_short?view=mine&reference={reference}")
    assert [each["id"] for each in reply.body["items"]] == [item]
    assert worker.does(item, "release")["assignee"] is None
    reply = worker.call("GET", f"/queues/pir_short?view=unassigned&reference={reference}")
    assert [each["id"] for each in reply.body["items"]] == [item]


def test_queues_are_counted_and_paged(health_visiting: Agency, worker: Staff) -> None:
    for _ in range(3):
        worker.finds("pir_short", health_visiting.refers())
    counts = {each["route"]: each for each in worker.call("GET", "/queues").body["queues"]}
    assert counts["pir_short"]["total"] >= 3
    assert set(counts["pir_short"]) == {
        "route", "total", "unassigned", "due_today", "overdue", "waiting_for_referrer"
    }  # fmt: skip
    found, after = [], ""
    while True:
        reply = worker.call("GET", f"/queues/pir_short?limit=2{after}")
        found += [each["id"] for each in reply.body["items"]]
        if not reply.body["next"]:
            break
        after = f"&after={reply.body['next']}"
    assert len(found) == len(set(found))
    assert len(found) >= counts["pir_short"]["total"]
    due = [each["due_at"] for each in worker.call("GET", "/queues/pir_short?limit=200").body["items"]]
    assert due == sorted(due)


def test_a_preview_is_what_a_live_referral_gets(health_visiting: Agency, worker: Staff) -> None:
    reference = health_visiting.refers()
    shown = worker.sees(worker.finds("pir_short", reference))
    asked = {"facts": shown["facts"], "received_at": shown["received_at"], "policy": "nottingham"}
    reply = worker.call("POST", "/preview", asked)
    assert reply.status == 200
    assert {name: shown["decision"][name] for name in reply.body} == reply.body


def test_a_policy_is_tried_on_what_was_received(health_visiting: Agency, worker: Staff, manager: Staff) -> None:
    worker.finds("pir_short", health_visiting.refers())
    asked = {"policy": "nottingham", "from": "2020-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z"}
    same = manager.call("POST", "/preview/replay", asked)
    assert (same.status, same.body["changed"]) == (200, 0)
    assert same.body["referrals"] >= 1
    other = manager.call("POST", "/preview/replay", asked | {"policy": "birmingham"})
    assert other.body["changed"] >= 1
    assert worker.call("POST", "/preview/replay", asked).status == 403


def test_steps_that_do_not_exist_or_items_that_do_not_are_404(worker: Staff, health_visiting: Agency) -> None:
    nobodys = "019a0000-0000-7000-8000-000000000001"
    assert worker.call("GET", f"/work-items/{nobodys}").status == 404
    assert worker.tries(nobodys, "claim").status == 404
    item = worker.finds("pir_short", health_visiting.refers())
    assert worker.tries(item, "no-such-step").status == 404
    assert worker.tries(item, "claim", surprise=1).status == 422
