"""What it takes to erase a family: no work on a danger is open, and all four services have carried it out."""

from __future__ import annotations

from tests.journeys.people import Staff
from tests.system import System, eventually


def end_the_danger(lead: Staff, reference: str) -> None:
    """A lead closes the work on it, and the referral service has heard so."""
    item = lead.finds("mash", reference)
    lead.tries(item, "claim")
    lead.does(item, "close", reason="passed_on", note="Told social care at noon.")
    eventually(lambda: not _dangers(lead.system, reference), what="the end of the danger")


def _dangers(system: System, reference: str) -> list[str]:
    found = system.query(
        "SELECT s.route FROM referral.route_state s JOIN referral.referral r ON r.id = s.referral_id "
        "WHERE r.reference = $1 AND s.route = 'mash' AND s.state NOT IN ('closed', 'declined', 'replaced')",
        reference,
    )
    return [row["route"] for row in found]


def erase(system: System, reference: str) -> None:
    """Returns once all four services say that it is done."""
    system.run("services.referral", "erase", reference, "--yes")
    is_erased_everywhere(system, reference)


def is_erased_everywhere(system: System, reference: str) -> None:
    """Waits for it; raises AssertionError when it does not come to pass."""
    eventually(
        lambda: system.tries("services.referral", "erase", reference, "--status")[0] == 0,
        what=f"{reference} erased by all four",
    )
