"""`make guide`: the pictures of docs/guide, taken from a running system with the demo's families in it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

from playwright.sync_api import Locator, sync_playwright

from tests.browser.cases import Cases
from tests.browser.desk import LEAD, WORKER, Desk, Person
from tests.browser.running import fill, launching
from tests.browser.small_png import small
from tests.servers import running
from tests.system import System

FOLDER: Final = Path(__file__).parents[2] / "docs" / "guide"
WIDTH, TALLEST, MARGIN = 1100, 1000, 16
FAMILIES: Final = 120


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="pir-guide-") as name, running(Path(name) / "stack") as servers:
        servers.make_template()
        with System(servers, servers.url_of(servers.new_database()), Path(name)) as system:
            fill(system, FAMILIES)
            with sync_playwright() as playwright, playwright.chromium.launch(**launching()) as browser:
                desk = Desk(system, browser)
                take_all(desk, Cases(system))
                assert desk.everybody_leaves() == []


def take_all(desk: Desk, cases: Cases) -> None:
    """In the order of the guide."""
    worker, lead = desk.sit_down(WORKER), desk.sit_down(LEAD)
    case, held = cases.taken_on(), cases.with_abuse()
    heading = worker.main.get_by_role("heading", level=1)

    worker.opens("/staff")
    take(worker, "today", tallest=700)
    worker.opens("/staff/queues/pir_short?view=unassigned")
    take(worker, "queue", since=heading, tallest=700)
    worker.opens(held.path)
    take(worker, "referral", since=heading, until=worker.main.locator("#steps"))
    worker.main.get_by_text("The decision, and why").click()
    take(worker, "decision", since=worker.main.locator("#decision"), tallest=700)
    worker.opens(case.path)
    take(worker, "steps", since=worker.main.locator("#contact"), until=worker.main.locator("#decision"))
    _compare(worker, case.path)
    take(worker, "compare", since=heading, until=worker.main.get_by_text("Choose something else"))
    _write_a_note(lead, case.path)
    worker.presses("Decide")
    worker.reads("Something has changed")
    take(worker, "changed", since=worker.main.get_by_role("alert"), until=heading)
    worker.opens("/staff/find")
    take(worker, "find", since=heading, tallest=800)


def _compare(person: Person, path: str) -> None:
    person.opens(f"{path}/override")
    person.page.get_by_label("Parent-infant team, short-term work").uncheck()
    person.chooses("Early Help")
    person.chooses("Targeted support")
    person.presses("Compare before and after")
    person.fills("Why do you decide differently?", "Early Help knows the family and can start next week.")


def _write_a_note(person: Person, path: str) -> None:
    person.opens(f"{path}/note")
    person.fills("Your note", "Rang the health visitor.")
    person.presses("Add a note")
    person.is_told("Your note is added.")


def take(
    person: Person, name: str, *, since: Locator | None = None, until: Locator | None = None, tallest: int = TALLEST
) -> None:
    """From the top or where `since` begins, to where `until` begins; no taller than `tallest`."""
    person.page.set_viewport_size({"width": WIDTH, "height": TALLEST})
    top = _top(since) - MARGIN if since else 0
    bottom = min(_top(until) if until else top + tallest, top + tallest)
    picture = person.page.screenshot(
        clip={"x": 0, "y": top, "width": WIDTH, "height": bottom - top}, full_page=True, animations="disabled"
    )
    (FOLDER / f"{name}.png").write_bytes(small(picture))


def _top(place: Locator) -> float:
    return float(place.first.evaluate("(each) => Math.floor(each.getBoundingClientRect().top + scrollY)"))


if __name__ == "__main__":
    main()
