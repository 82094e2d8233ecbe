"""A family asks that its records are kept and not used (UK GDPR, article 18); a danger is acted on all the same."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from shared.working_time import LONDON
from tests.families import a_referral
from tests.journeys.people import Agency, Staff, a_mail, mails
from tests.system import System, eventually


def test_what_is_restricted_is_kept_and_not_used_but_for_a_danger(
    system: System, health_visiting: Agency, worker: Staff, lead: Staff
) -> None:
    # Given a family with work, of whom the agency has heard
    reference = health_visiting.refers(a_referral())
    item = worker.finds("pir_short", reference)
    a_mail(system, reference, "decision")
    counted = system.totals_at_rest()["received"]
    assert len(_exported(system, reference)) == 1

    # When its records are restricted
    said = system.run(
        "services.referral", "hold", "add", reference, "--restrict", "--reason", "Disputed", "--review-on", "2027-12-31"
    )
    number = re.search(r"hold (\d+) keeps and restricts", said)
    assert number
    assert f"{reference}  look again on 2027-12-31  not to be used" in system.run("services.referral", "hold", "list")

    # Then staff are told, and it may not be erased
    eventually(lambda: worker.sees(item)["restricted_at"], what="the restriction in triage")
    eventually(lambda: _is_restricted(system, reference) == (True, True), what="the restriction elsewhere")
    assert system.tries("services.referral", "erase", reference, "--yes")[0] == 1

    # And what is routine goes to nobody, although it is written down
    assert health_visiting.changes(reference, risk_factors=["isolation"]).status == 200
    health_visiting.sees_decided(reference, version=2)
    eventually(lambda: _held(system, reference) == ["decision", "receipt"], what="two mails that are held")
    assert sorted(mail.kind for mail in mails(system, reference)) == ["decision", "receipt"]

    # And it is in the counts, and in no list of single families
    assert system.totals_at_rest()["received"] == counted
    assert _exported(system, reference) == []

    # And a danger is worked on, and answered, as ever
    assert health_visiting.changes(reference, safety=["immediate_danger"]).status == 200
    lead.finds("mash", reference)
    eventually(lambda: len(mails(system, reference, "receipt")) == 2, what="the receipt that says whom to ring")
    assert _held(system, reference) == ["decision", "receipt"]

    # When it ends, what was held goes in the mail of the next day, and everything is as before
    assert "is ended" in system.run("services.referral", "hold", "end", number[1])
    eventually(lambda: _held(system, reference) == [], what="the mails that were held")
    eventually(lambda: len(_exported(system, reference)) == 1, what="the family in the list of single families")
    eventually(lambda: worker.sees(item)["restricted_at"] is None, what="the end in triage")
    eventually(lambda: _is_restricted(system, reference) == (False, False), what="the end elsewhere")
    trail = [line["action"] for line in _trail(system, reference)]
    assert trail == ["hold.set", "referral.restricted", "hold.ended", "referral.unrestricted"]


def _is_restricted(system: System, reference: str) -> tuple[bool, bool]:
    """In notify, and in metrics."""
    [row] = system.query(
        "SELECT EXISTS (SELECT FROM notify.restricted n WHERE n.referral_id = m.id) AS by_notify,"
        " coalesce(m.is_restricted, false) AS by_metrics"
        " FROM metrics.referral m JOIN referral.referral r ON r.id = m.id WHERE r.reference = $1",
        reference,
    )
    return row["by_notify"], row["by_metrics"]


def _held(system: System, reference: str) -> list[str]:
    rows = system.query(
        "SELECT kind FROM notify.message WHERE reference = $1 AND state = 'held' ORDER BY kind", reference
    )
    return [row["kind"] for row in rows]


def _trail(system: System, reference: str) -> list[dict[str, Any]]:
    rows = system.query(
        "SELECT a.action, a.detail FROM referral.audit a JOIN referral.referral r ON r.id = a.referral_id"
        " WHERE r.reference = $1 AND a.actor_kind = 'operator' AND a.action <> 'command.given' ORDER BY a.id",
        reference,
    )
    return [dict(row) for row in rows]


def _exported(system: System, reference: str) -> list[str]:
    """The lines of its month's coded export that are about it."""
    [row] = system.query("SELECT id, received_at FROM referral.referral WHERE reference = $1", reference)
    month = f"{row['received_at'].astimezone(LONDON):%Y-%m}"
    answer = Staff(system, "manager").call("GET", f"/exports/coded?month={month}", service="metrics")
    assert answer.status == 200, answer
    return [line for line in answer.body.splitlines() if str(row["id"]) in line]


def test_what_a_parent_sent_wrongly_is_rectified_by_an_operator(
    system: System, health_visiting: Agency, worker: Staff, tmp_path: Path
) -> None:
    reference = health_visiting.refers(a_referral())
    item = worker.finds("pir_short", reference)
    changes = tmp_path / "changes.json"

    def rectify(text: str) -> tuple[int, str]:
        changes.write_text(text, encoding="utf-8")
        return system.tries("services.referral", "rectify", reference, str(changes), "--reason", "Parent asked")

    # When it can't be read, or is not allowed, nothing changes
    assert rectify("{")[0] == 1
    code, said = rectify('{"home": {"postcode": "nowhere"}}')
    assert (code, "/home/postcode" in said) == (1, True), said
    assert health_visiting.sees(reference)["version"] == 1

    # When it is right, the rules decide anew, and the trail says who did it and why
    code, said = rectify('{"concern": {"severity": "severe", "domains": ["main_carer", "emotional", "cognitive"]}}')
    assert (code, f"{reference} is version 2" in said) == (0, True), said
    assert health_visiting.sees_decided(reference, version=2)["decision"]["tier"] == "specialist_long"
    lines = _trail(system, reference)
    assert [(line["action"], line["detail"]) for line in lines] == [
        ("referral.amended", None),
        ("referral.rectified", "Parent asked"),
    ]
    assert worker.sees(item)["version"] == 2
