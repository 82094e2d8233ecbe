"""`make guide`: the pictures of docs/guide, refer.md, reports.md and operations.md, taken from a running system with the demo's families."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Locator, sync_playwright

from deploy.local.monitoring.running import Monitoring
from tests.browser.cases import Cases
from tests.browser.desk import COMMISSIONER, LEAD, WORKER, Desk, Person
from tests.browser.front import HEALTH_VISITOR, Reception, begins, fills_in, fills_the_form, goes_on
from tests.browser.reporting import sits_at_reports
from tests.browser.running import fill, launching
from tests.browser.small_png import small
from tests.servers import running
from tests.system import System, call, eventually

FOLDER: Final = Path(__file__).parents[2] / "docs" / "guide"
OF_REFERRERS: Final = FOLDER.with_name("refer")
OF_REPORTS: Final = FOLDER.with_name("reports")
OF_OPERATIONS: Final = FOLDER.with_name("operations")
WIDTH, TALLEST, MARGIN = 1100, 1000, 16
FAMILIES: Final = 120


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="pir-guide-") as name, running(Path(name) / "stack") as servers:
        servers.make_template()
        with System(servers, servers.url_of(servers.new_database()), Path(name)) as system:
            fill(system, FAMILIES)
            with (
                watched(system, Path(name)) as boards_url,
                sync_playwright() as playwright,
                playwright.chromium.launch(**launching()) as browser,
            ):
                desk = Desk(system, browser)
                cases, reception = Cases(system), Reception(system, browser)
                take_all(desk, cases)
                take_of_referrers(reception, cases)
                take_of_reports(desk)
                take_of_boards(reception, boards_url)
                assert desk.everybody_leaves() + reception.everybody_leaves() == []


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


def take_of_referrers(reception: Reception, cases: Cases) -> None:
    """In the order of docs/refer.md."""
    person = reception.sit_down()
    person.opens("/refer")
    person.fills("Your work email address", HEALTH_VISITOR)
    person.presses("Send me a code")
    heading = person.main.get_by_role("heading", level=1)

    def takes(name: str, **where: Any) -> None:
        take(person, name, since=heading, folder=OF_REFERRERS, **where)

    takes("code", tallest=420)
    person.fills("Code", reception.system.code_for(HEALTH_VISITOR))
    person.presses("Sign in")
    draft = begins(person)
    goes_on(person, safety=["significant_harm"])
    takes("ring", tallest=660)
    person.opens(f"{draft}/safety")
    person.page.locator('[value="significant_harm"]').uncheck()
    fills_in(person, {"safety": ["none"], "mental_health": ["none"]})
    person.presses("Save and continue")
    goes_on(person, consent__status=["given"])
    person.opens(draft)
    takes("pages", tallest=760)
    person.opens(f"{draft}/safety")
    fills_the_form(person)
    takes("check", tallest=700)
    person.presses("Confirm and send")
    person.follows("See this referral")
    reference = person.path.rpartition("/")[2]
    item = cases.worker.finds("pir_short", reference)
    cases.worker.does(item, "claim")
    cases.worker.does(item, "request-information", asked="Since when does she find it hard to sleep?")
    cases.agency.sees_status(reference, "waiting_for_referrer")
    person.opens(f"/refer/{reference}")
    takes("afterwards", until=person.main.get_by_role("heading", name="The decision"))


def take_of_reports(desk: Desk) -> None:
    """The latest month of the practice reports."""
    person = sits_at_reports(desk, COMMISSIONER)
    person.reads("at a glance")
    take(person, "report", since=person.main.get_by_role("heading", level=1), tallest=820, folder=OF_REPORTS)


@contextmanager
def watched(system: System, folder: Path) -> Iterator[str]:
    """As by `make run MONITORING=1`, once everything has been measured; yields where the boards are."""
    services = list(system.services.values())
    watching = Monitoring(
        folder / "monitoring", threading.Event(), services=services, database_url=system.database_url, token="none"
    )
    watching.start()
    try:
        measured = f"{watching.prometheus.url}/api/v1/query?query=count(pir_measured_timestamp_seconds)>=10"
        eventually(lambda: call("GET", measured).body["data"]["result"], what="everything measured")
        yield watching.boards.url
    finally:
        watching.stop()


def take_of_boards(reception: Reception, url: str) -> None:
    """The queues over the two days that the demo's times tell of."""
    person = reception.sit_down()
    person.page.goto(f"{url}/boards/pir-queues?span=2d")
    since = person.main.get_by_role("heading", name="Waiting", exact=True)
    take(
        person,
        "boards",
        since=since,
        until=person.main.get_by_role("heading", name="Looks at families"),
        tallest=1100,
        folder=OF_OPERATIONS,
    )


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
    person: Person,
    name: str,
    *,
    since: Locator | None = None,
    until: Locator | None = None,
    tallest: int = TALLEST,
    folder: Path = FOLDER,
) -> None:
    """From the top or where `since` begins, to where `until` begins; no taller than `tallest`."""
    person.page.set_viewport_size({"width": WIDTH, "height": TALLEST})
    top = _top(since) - MARGIN if since else 0
    bottom = min(_top(until) if until else top + tallest, top + tallest)
    picture = person.page.screenshot(
        clip={"x": 0, "y": top, "width": WIDTH, "height": bottom - top}, full_page=True, animations="disabled"
    )
    (folder / f"{name}.png").write_bytes(small(picture))


def _top(place: Locator) -> float:
    return float(place.first.evaluate("(each) => Math.floor(each.getBoundingClientRect().top + scrollY)"))


if __name__ == "__main__":
    main()
