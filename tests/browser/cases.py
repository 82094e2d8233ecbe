"""Families and enquiries for exactly one situation each, sent as agencies send them, and then known by their item."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.families import a_referral
from tests.journeys.people import Agency, Staff
from tests.system import System, eventually

LONG_NAME = "Wolfeschlegelsteinhausenbergerdorff-Featherstonehaugh"


@dataclass(frozen=True)
class Case:
    """A referral and its item in one queue; `family` is the body that was sent."""

    family: dict[str, Any]
    reference: str
    item: str

    @property
    def path(self) -> str:
        return f"/staff/items/{self.item}"

    @property
    def name(self) -> str:
        return str(self.family["babies"][0]["family_name"])


class Cases:
    def __init__(self, system: System) -> None:
        self.system = system
        self.agency = Agency(system, "health-visiting")
        self.worker, self.lead = Staff(system, "triage-worker"), Staff(system, "triage-lead")

    def query(self, sql: str, *values: object) -> list[Any]:
        """In a thread: playwright's own loop runs in ours."""
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(self.system.query, sql, *values).result()

    def send(self, family: dict[str, Any], route: str) -> Case:
        reference = self.agency.refers(family)
        return Case(family, reference, self.lead.finds(route, reference))

    def wait_for(self, case: Case, *states: str) -> None:
        """Until its item stands like one of these."""
        eventually(lambda: self.lead.sees(case.item)["state"] in states, what=f"{case.reference}: {states}")

    def plain(self, **changes: Any) -> Case:
        """For short-term work of the parent-infant team; nobody has it."""
        return self.send(a_referral(requested_tier=None, **changes), "pir_short")

    def taken_on(self, **changes: Any) -> Case:
        """The worker has it."""
        case = self.plain(**changes)
        self.worker.does(case.item, "claim")
        return case

    def accepted(self, **changes: Any) -> Case:
        case = self.taken_on(**changes)
        self.worker.does(case.item, "accept")
        return case

    def closed(self) -> Case:
        case = self.accepted()
        self.worker.does(case.item, "close", reason="completed")
        return case

    def proposed_decline(self) -> Case:
        """The child is three."""
        family = a_referral()
        family["babies"][0]["date_of_birth"] = str(datetime.now(UTC).date() - timedelta(days=3 * 365))
        return self.send(family, "signpost_age")

    def overdue_birth(self) -> Case:
        """Nobody has told of a birth, three weeks after the due date."""
        family = a_referral()
        due = str(datetime.now(UTC).date() - timedelta(days=21))
        family["babies"] = [{"family_name": family["babies"][0]["family_name"], "due_on": due}]
        return self.send(family, "review_birth_outcome")

    def with_abuse(self) -> Case:
        family = a_referral(safety=["domestic_abuse"])
        family["caregivers"][0]["safe_contact"] = "Only by text, on weekdays."
        return self.send(family, "pir_short")

    def in_danger(self) -> Case:
        return self.send(a_referral(safety=["immediate_danger"]), "emergency_call")

    def with_a_long_name(self) -> Case:
        family = a_referral()
        for person in (*family["babies"], *family["caregivers"]):
            person |= {"given_name": LONG_NAME, "family_name": LONG_NAME}
        family["notes"] = "Long" + "-and-longer" * 40
        return self.send(family, "pir_short")

    def long_term(self) -> Case:
        """For longer-term work, where there may be no place."""
        concern = {"severity": "severe", "domains": ["main_carer", "emotional", "social"], "parent_was_asked": True}
        return self.send(a_referral(concern=concern, requested_tier=None), "pir_long")

    def enquiry(self, kind: str = "consultation", **changes: Any) -> Case:
        referrer = a_referral()["referrer"]
        body = {"kind": kind, "referrer": referrer, "topic": "A baby who looks away", "people": 3} | changes
        reply = self.agency.call("POST", "/enquiries", body)
        reference = str(reply.body["reference"])
        return Case(body, reference, self.lead.finds(kind, reference))
