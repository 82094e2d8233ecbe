"""The records of a family: a copy for whoever asks, from all four services; and their end, when their time is over."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

from tests.families import a_referral
from tests.journeys.erasing import is_erased_everywhere
from tests.journeys.people import Agency, Staff
from tests.system import System, eventually
from tests.traces import Planted

SERVICES = ("referral", "triage", "notify", "metrics")


def records_of(system: System, folder: Path, *references: str) -> tuple[dict[str, Any], str]:
    """What the command writes: the JSON, and the page."""
    system.run("services.referral", "subject-access", *references, "--reason", "parent-asked", "--out", str(folder))
    return json.loads((folder / "records.json").read_text()), (folder / "records.html").read_text()


def test_whoever_asks_gets_all_that_the_four_services_hold_with_marks_for_a_reviewer(
    system: System, health_visiting: Agency, social_care: Agency, lead: Staff, worker: Staff, tmp_path: Path
) -> None:
    # Given a family that two agencies referred, with danger, violence at home, work, notes, a question and a look
    family = Planted()
    body = family.referral() | {"safety": ["significant_harm", "domestic_abuse"]}
    reference, other = health_visiting.refers(body), social_care.refers(family.referral())
    item = lead.finds("mash", reference)
    lead.does(item, "claim")
    lead.does(item, "note", text=f"{family.tag} opened the <door>.")
    worker.sees(item, why="rang")
    assert health_visiting.informs(reference, notes=f"{family.tag} says yes.").status == 200
    system.totals_at_rest()

    # When a parent asks for their records
    whole, page = records_of(system, tmp_path / "one", reference)

    # Then everything is there, from each service, and what is of others or may be exempt is marked and not left out
    [record] = whole["referrals"]
    text = json.dumps(record, ensure_ascii=False)
    words = (f"B{family.tag}", f"M{family.tag}", family.nhs, str(family.born), f"{family.tag} cries.")
    words += (f"{family.tag} opened the <door>.", f"{family.tag} says yes.", "significant_harm", "S2")
    assert [word for word in words if word not in text] == []
    assert [word for word in words[:3] if word not in page] == []
    assert f"{family.tag} opened the &lt;door&gt;." in page
    assert record["also_of_the_family"] == [other]
    assert other in page
    held = record["held"]
    assert set(held) == set(SERVICES)
    counts = {f"{service}.{table}": len(rows) for service in SERVICES for table, rows in held[service].items()}
    assert min(counts[name] for name in ("triage.decision", "notify.message", "metrics.work_item")) >= 1
    assert all(each["subject"] and each["body"] for each in held["notify"]["message"])
    looks = [each for each in held["triage"]["audit"] if each["action"] == "identity.viewed"]
    assert [each["detail"] for each in looks] == ["rang"]
    assert "because the family or the referrer rang" in page
    marked = {(each["service"], each["table"], each["mark"]) for each in record["review_before_giving"]}
    assert {("referral", "referral", "third-party"), ("triage", "staff_text", "may-be-exempt")} <= marked
    for mark in ("About another person", "May be exempt", "Danger: who must not learn this?"):
        assert mark in page.partition("<h1>")[2]

    # And who has no right to them can't read the files; nothing is overwritten; each service has it in its trail
    modes = [stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "one", *(tmp_path / "one").iterdir())]
    assert modes == [0o700, 0o600, 0o600]
    again = ("subject-access", reference, "--reason", "parent-asked", "--out", str(tmp_path / "one"))
    assert system.tries("services.referral", *again)[0] == 2
    assert system.tries("services.referral", *again[:-1], str(tmp_path / "two"))[0] == 0
    for service in SERVICES:
        given = system.query(
            f"SELECT a.detail FROM {service}.audit a JOIN referral.referral r ON r.id = a.referral_id "
            "WHERE r.reference = $1 AND a.action = 'subject-access.given'",
            reference,
        )
        assert [row["detail"] for row in given] == ["parent-asked"] * 2, service

    # And nothing is given of a referral that nobody knows
    unknown = ("subject-access", reference, "PIR-222-222", "--reason", "parent-asked", "--out", str(tmp_path / "three"))
    assert system.tries("services.referral", *unknown)[0] == 1
    assert not (tmp_path / "three").exists()


def test_a_family_whose_time_is_over_goes_in_all_four_services_and_a_certificate_says_so(
    system: System, health_visiting: Agency, lead: Staff
) -> None:
    # Given two families that nobody accepted, one of them long ago
    old, new = (health_visiting.refers(a_referral()) for _ in range(2))
    for reference in (old, new):
        health_visiting.sees_decided(reference)
        assert health_visiting.withdraws(reference).status == 200
        eventually(lambda reference=reference: not _open_work(system, reference), what=f"no open work on {reference}")
    for table, column in (("referral", "withdrawn_at"), ("history", "at")):
        name = "id" if table == "referral" else "referral_id"
        system.query(
            f"UPDATE referral.{table} SET {column} = {column} - interval '2 years 1 day' "
            f"WHERE {name} = (SELECT id FROM referral.referral WHERE reference = $1)",
            old,
        )

    # When the plan is carried out
    plan = system.run("services.referral", "retention", "plan")
    assert (old in plan, new in plan) == (True, False)
    said = system.run("services.referral", "retention", "run", "--yes")

    # Then the one is gone everywhere, the other is there, and the certificate is about it
    is_erased_everywhere(system, old)
    assert health_visiting.sees(new)["decision"] is not None
    certificate = Path(said.partition("certificate: ")[2].splitlines()[0])
    records = json.loads(certificate.read_text())["classes"]["not-accepted"]["records"]
    assert [each["reference"] for each in records] == [old]
    assert old in certificate.with_suffix(".txt").read_text()
    assert old not in system.run("services.referral", "retention", "plan")
    assert system.run("services.triage", "parked", "dispose").startswith("0 due")


def _open_work(system: System, reference: str) -> list[str]:
    found = system.query(
        "SELECT s.route FROM referral.route_state s JOIN referral.referral r ON r.id = s.referral_id "
        "WHERE r.reference = $1 AND s.state NOT IN ('closed', 'declined', 'replaced')",
        reference,
    )
    return [row["route"] for row in found]
