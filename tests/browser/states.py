"""Every page of the staff in every state that looks different, by name: who sees it, and how it comes about."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from tests.browser.cases import Case, Cases
from tests.browser.desk import COMMISSIONER, LEAD, MANAGER, WORKER, Desk, Person
from tests.browser.test_duplicates import referred_twice
from tests.families import a_referral
from tests.system import eventually

Way = Callable[[Person, Cases], None]


def at(path: str) -> Way:
    return lambda person, _: person.opens(path)


def item(case: Callable[[Cases], Case], step: str = "") -> Way:
    """The page of an item, or of a step of it."""
    return lambda person, cases: person.opens(case(cases).path + (f"/{step}" if step else ""))


def pressed(way: Way, button: str) -> Way:
    """A page after a button was pressed on it, as for a form that nobody filled in."""

    def then(person: Person, cases: Cases) -> None:
        way(person, cases)
        person.presses(button)

    return then


def _looked(person: Person, cases: Cases) -> None:
    person.opens(cases.with_a_long_name().path)
    person.presses("A quality review")


def _compared(person: Person, cases: Cases) -> None:
    person.opens(f"{cases.taken_on().path}/override")
    person.chooses("Early Help")
    person.presses("Compare before and after")


def _overtaken(person: Person, cases: Cases) -> None:
    """The lead closes it while the worker writes."""
    case = cases.taken_on()
    person.opens(f"{case.path}/note")
    person.fills("Your note", "Half written")
    cases.lead.does(case.item, "close", reason="moved_away")
    person.presses("Add a note")


def _signed_out_while_typing(person: Person, cases: Cases) -> None:
    person.opens(f"{cases.taken_on().path}/note")
    person.fills("Your note", "Half written")
    person.page.context.clear_cookies(name="__Host-pir-session")
    person.presses("Add a note")


def _typed_again(person: Person, cases: Cases) -> None:
    _signed_out_while_typing(person, cases)
    person.presses("Sign in with your work account")
    person.presses(cases.system.credentials["staff"][WORKER]["name"])


def _nothing_to_send_to(person: Person, cases: Cases) -> None:
    """The work was closed while nobody was signed in."""
    case = cases.taken_on()
    person.opens(f"{case.path}/request-information")
    person.page.get_by_role("textbox").first.fill("Since when?")
    cases.lead.does(case.item, "close", reason="moved_away")
    person.page.context.clear_cookies(name="__Host-pir-session")
    person.page.locator("main form button").first.click()
    person.presses("Sign in with your work account")
    person.presses(cases.system.credentials["staff"][WORKER]["name"])
    person.reads("What you typed is here, but")


def _enquiry_too_early(person: Person, cases: Cases) -> None:
    person.opens(f"/staff/enquiries/{cases.enquiry().item}")
    on = datetime.now(UTC) - timedelta(days=2)
    for part in ("day", "month", "year"):
        person.page.locator(f"#deliver-on-{part}").fill(str(getattr(on, part)))
    person.fills("How many people came", "3")
    person.presses("Record it and end")


def _decided_again(person: Person, cases: Cases) -> None:
    case = cases.taken_on()
    cases.worker.does(case.item, "note", text="A note\nwith two lines")
    cases.worker.does(case.item, "override", routes=["targeted"], tier="targeted", reason="Known to Early Help")
    person.opens(case.path)


def _waiting_for_a_place(cases: Cases) -> Case:
    with cases.lead.with_places("pir_long", individual=0):
        return cases.long_term()


def _waiting_for_the_referrer(cases: Cases) -> Case:
    case = cases.taken_on()
    cases.worker.does(case.item, "request-information", asked="Since when?")
    return case


def _compares(cases: Cases) -> Case:
    return referred_twice(cases)[1]


def _taken_over(cases: Cases) -> Case:
    """A colleague had the emergency; the lead has it now."""
    case = cases.in_danger()
    cases.worker.does(case.item, "claim")
    cases.lead.does(case.item, "take-over")
    return case


def _after_a_loss(cases: Cases) -> Case:
    case = cases.send(a_referral(circumstances=["infant_died"]), "bereavement_review")
    cases.worker.does(case.item, "claim")
    return case


def _in_doubt(cases: Cases) -> Case:
    """A person decides; the rules suggest something."""
    concern = {"severity": "mild", "domains": [], "parent_was_asked": True}
    more = {"concern": concern, "complex_history": ["previous_removal"], "requested_tier": None}
    case = cases.send(a_referral(**more), "review")
    cases.worker.does(case.item, "claim")
    return case


def _facts_changed(cases: Cases) -> Case:
    """A team has taken the family on, and then more is told."""
    case = cases.accepted()
    concern = {"severity": "severe", "domains": ["main_carer", "emotional", "social"], "parent_was_asked": True}
    assert cases.agency.changes(case.reference, concern=concern).status < 300
    eventually(lambda: cases.lead.sees(case.item)["proposal"], what="a proposal")
    return case


def _challenged(cases: Cases) -> Case:
    case = cases.proposed_decline()
    cases.lead.does(case.item, "decline", reason="over_age")
    cases.agency.sees_status(case.reference, "declined")
    reply = cases.agency.call("POST", f"/referrals/{case.reference}/challenge", {"notes": "Born twelve weeks early."})
    assert reply.status < 300, reply
    return Case(case.family, case.reference, cases.lead.finds("signpost_age", case.reference))


def _giving(person: Person, cases: Cases) -> None:
    person.opens(f"/staff/give?item={cases.plain().item}&item={cases.with_abuse().item}")


def _given(person: Person, cases: Cases) -> None:
    _giving(person, cases)
    person.presses("Give to ")


def _away_before_today(person: Person, _: Cases) -> None:
    person.opens("/staff/team/dev-triage-lead")
    for box, typed in (("Day", "31"), ("Month", "2"), ("Year", "2026")):
        person.fills(box, typed)
    person.presses("Save")


def _found(person: Person, cases: Cases) -> None:
    case = cases.plain()
    person.opens("/staff/find")
    person.chooses("The family or the referrer rang")
    person.fills("NHS number", case.family["babies"][0]["nhs_number"])
    person.presses("Find this family")


def _not_found(person: Person, _: Cases) -> None:
    person.opens("/staff/find")
    person.chooses("The family or the referrer rang")
    person.fills("NHS number", "9990000000")
    person.presses("Find this family")


def _drafted(text: str) -> Way:
    def way(person: Person, _: Cases) -> None:
        person.opens("/staff/policy/drafts/new")
        person.fills("Or paste the text here", text)
        person.fills("Note for colleagues (optional)", "A very-" + "long-" * 60 + "note")
        person.presses("Send in the draft")

    return way


def _compared_policy(text: str) -> Way:
    return pressed(_drafted(text), "See what would change")


def _arranged(person: Person, cases: Cases) -> None:
    case = cases.enquiry("training", topic="A topic with a long" + "-word" * 30)
    cases.worker.does(case.item, "arrange", on="2027-03-01T14:00:00+00:00")
    person.opens(f"/staff/enquiries/{case.item}")


def _enquiry(person: Person, cases: Cases) -> None:
    person.opens(f"/staff/enquiries/{cases.enquiry().item}")


def _done(person: Person, cases: Cases) -> None:
    case = cases.enquiry()
    cases.worker.does(case.item, "deliver", attendees=4, on=str(datetime.now(UTC).date()))
    person.opens(f"/staff/enquiries/{case.item}")


def _signed_out(person: Person, _: Cases) -> None:
    person.opens("/staff")
    person.presses("Sign out")


def _took_on(person: Person, cases: Cases) -> None:
    person.opens(f"/staff/queues/pir_short?reference={cases.plain().reference}")
    person.presses("Take this on")


def of_policy(text: str) -> dict[str, tuple[str | None, Way]]:
    """Those that need the text of a policy."""
    return {
        "policy-draft": (MANAGER, _drafted(text)),
        "policy-draft-mistakes": (MANAGER, _drafted(text.replace("grace_days = 28", "grace_days = 'soon'"))),
        "policy-changes": (MANAGER, _compared_policy(text.replace("long_term_domains = 3", "long_term_domains = 2"))),
        "policy-no-changes": (MANAGER, _compared_policy(text)),
    }


STATES: Final[dict[str, tuple[str | None, Way]]] = {
    "sign-in": (None, at("/staff")),
    "signed-out": (f"{WORKER}, fresh", _signed_out),
    "signed-out-while-typing": (f"{WORKER}, fresh", _signed_out_while_typing),
    "typed-again": (f"{WORKER}, fresh", _typed_again),
    "typed-and-nothing-to-send-to": (f"{WORKER}, fresh", _nothing_to_send_to),
    "home": (WORKER, at("/staff")),
    "home-without-queues": (COMMISSIONER, at("/staff")),
    "queues": (WORKER, at("/staff/queues")),
    "queue-of-all": (WORKER, at("/staff/queues/all")),
    "queue": (WORKER, at("/staff/queues/pir_short")),
    "queue-claimed": (WORKER, _took_on),
    "queue-nothing-fits": (LEAD, at("/staff/queues/all?urgency=now&tier=universal")),
    "queue-mistake": (LEAD, at("/staff/queues/mash?reference=PIR-000")),
    "item": (LEAD, item(Cases.plain)),
    "item-taken-on": (WORKER, item(Cases.taken_on)),
    "item-accepted": (WORKER, item(Cases.accepted)),
    "item-closed": (WORKER, item(Cases.closed)),
    "item-of-a-manager": (MANAGER, item(Cases.plain)),
    "item-long-names": (LEAD, _looked),
    "item-loss": (WORKER, item(Cases.overdue_birth)),
    "item-abuse": (WORKER, item(Cases.with_abuse)),
    "item-decline": (LEAD, item(Cases.proposed_decline)),
    "item-waiting-list": (WORKER, item(_waiting_for_a_place)),
    "item-waiting-for-referrer": (WORKER, item(_waiting_for_the_referrer)),
    "item-decided-again": (WORKER, _decided_again),
    "step-assign": (LEAD, item(Cases.plain, "assign")),
    "step-accept": (WORKER, item(Cases.taken_on, "accept")),
    "step-contact-attempt": (WORKER, item(Cases.with_abuse, "contact-attempt")),
    "item-danger": (WORKER, item(Cases.in_danger)),
    "step-rung": (WORKER, item(Cases.in_danger, "rung")),
    "step-rung-mistake": (WORKER, pressed(item(Cases.in_danger, "rung"), "Write this down")),
    "step-answered": (WORKER, item(_waiting_for_the_referrer, "answered")),
    "step-note": (WORKER, item(Cases.taken_on, "note")),
    "step-note-mistake": (WORKER, pressed(item(Cases.taken_on, "note"), "Add a note")),
    "step-note-overtaken": (WORKER, _overtaken),
    "step-request-information": (WORKER, item(Cases.taken_on, "request-information")),
    "step-wait": (WORKER, item(Cases.taken_on, "wait")),
    "step-offer-interim": (WORKER, item(_waiting_for_a_place, "offer-interim")),
    "step-override": (WORKER, item(Cases.taken_on, "override")),
    "step-override-compared": (WORKER, _compared),
    "step-override-mistake": (WORKER, pressed(_compared, "Decide")),
    "step-decline": (LEAD, item(Cases.proposed_decline, "decline")),
    "step-close": (WORKER, item(Cases.taken_on, "close")),
    "step-close-mistake": (WORKER, pressed(item(Cases.taken_on, "close"), "Close this work")),
    "step-birth-outcome": (WORKER, item(Cases.overdue_birth, "birth-outcome")),
    "step-birth-outcome-mistake": (WORKER, pressed(item(Cases.overdue_birth, "birth-outcome"), "Write this down")),
    "step-confirm-duplicate": (WORKER, item(_compares, "confirm-duplicate")),
    "step-reopen": (LEAD, item(Cases.closed, "reopen")),
    "item-danger-taken-over": (LEAD, item(_taken_over)),
    "item-bereavement": (WORKER, item(_after_a_loss)),
    "item-review-suggestion": (WORKER, item(_in_doubt)),
    "item-facts-changed": (WORKER, item(_facts_changed)),
    "item-challenged": (LEAD, item(_challenged)),
    "find": (WORKER, at("/staff/find")),
    "find-of-a-manager": (MANAGER, at("/staff/find")),
    "find-mistake": (WORKER, pressed(at("/staff/find"), "Find this family")),
    "find-reference-mistake": (WORKER, pressed(at("/staff/find"), "Find this reference")),
    "found": (WORKER, _found),
    "found-nobody": (WORKER, _not_found),
    "places": (MANAGER, at("/staff/capacity")),
    "places-form": (MANAGER, at("/staff/capacity/pir_long")),
    "places-form-mistake": (MANAGER, pressed(at("/staff/capacity/pnmh_emergency"), "Save")),
    "policy": (MANAGER, at("/staff/policy")),
    "policy-version": (WORKER, at("/staff/policy/nottingham/3")),
    "policy-new": (MANAGER, at("/staff/policy/drafts/new")),
    "policy-new-mistake": (MANAGER, pressed(at("/staff/policy/drafts/new"), "Send in the draft")),
    "services": (WORKER, at("/staff/services")),
    "services-chosen": (WORKER, at("/staff/services?ward=E05012270&level=specialist&age=older")),
    "enquiries": (WORKER, at("/staff/enquiries")),
    "enquiries-done": (WORKER, at("/staff/enquiries?stage=done")),
    "enquiry": (WORKER, _enquiry),
    "enquiry-mistake": (WORKER, pressed(_enquiry, "Arrange it")),
    "enquiry-too-early": (WORKER, _enquiry_too_early),
    "enquiry-arranged": (WORKER, _arranged),
    "enquiry-done": (WORKER, _done),
    "team": (LEAD, at("/staff/team")),
    "team-routes": (LEAD, at("/staff/team/dev-triage-lead")),
    "team-away-mistake": (LEAD, _away_before_today),
    "home-of-a-lead": (LEAD, at("/staff")),
    "queue-given": (LEAD, _given),
    "give": (LEAD, _giving),
    "give-nothing": (LEAD, at("/staff/give")),
    "parked": ("operations", at("/staff/parked")),
    "accessibility": (WORKER, at("/staff/accessibility")),
    "audit": (LEAD, at("/staff/audit")),
    "audit-own": (WORKER, at("/staff/audit?view=my-looks")),
    "audit-without-work": ("auditor", at("/staff/audit?view=without-work")),
    "audit-own-name": (MANAGER, at("/staff/audit?view=own-name")),
    "audit-mistake": (LEAD, at("/staff/audit?referral=PIR-0")),
    "not-found": (WORKER, at("/staff/nowhere")),
    "forbidden": (WORKER, at("/staff/capacity/pnmh")),
}
"""Name → the role that sees it (None for nobody, with `, fresh` for a session of its own) and the way there."""


def sit_down(desk: Desk, role: str | None) -> Person:
    name, _, fresh = (role or "").partition(", ")
    return desk.sit_down(name or None, is_fresh=bool(fresh))
