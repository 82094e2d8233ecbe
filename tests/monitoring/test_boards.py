"""The boards of `make run MONITORING=1` in a real browser, drawn from a real Prometheus that has seen everything happen."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from deploy.local.monitoring.dashboards import boards
from deploy.local.monitoring.receiver import in_words
from deploy.local.monitoring.server import Boards
from tests.browser.running import launching
from tests.browser.seeing import faults
from tests.monitoring.watching import Watching
from tests.system import System, eventually

pytestmark = pytest.mark.timeout(300)

DRAWN = ".panel:has(svg[role=img]), .panel.table:has(table), .panel.text:has(p)"


@pytest.fixture(scope="module")
def drawn(lived_through: Watching) -> Iterator[Boards]:
    """A server of boards that asks the Prometheus of these tests."""
    served = Boards(lived_through.url)
    served.start()
    yield served
    served.stop()


@pytest.fixture(scope="module")
def window(drawn: Boards) -> Iterator[Page]:
    """After the system: playwright's loop runs in this thread, and what makes the system needs one too."""
    with sync_playwright() as playwright, playwright.chromium.launch(**launching()) as browser:
        complaints: list[str] = []
        page = browser.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield page
        assert complaints == []


def opens(window: Page, drawn: Boards, uid: str, *, span: str = "15m") -> None:
    answer = window.goto(f"{drawn.url}/boards/{uid}?span={span}")
    assert answer is not None
    assert answer.status == 200


@pytest.mark.parametrize("uid", boards())
def test_every_panel_of_a_board_is_drawn(uid: str, window: Page, drawn: Boards) -> None:
    opens(window, drawn, uid)
    expect(window.locator("h1")).to_have_text(boards()[uid].title)
    expect(window.locator(".panel")).to_have_count(len(boards()[uid].panels))
    assert window.locator(".panel:has(.empty)").all_inner_texts() == []
    expect(window.locator(DRAWN)).to_have_count(len(boards()[uid].panels))
    expect(window.locator("main")).to_contain_text("This is not Grafana")


@pytest.mark.parametrize("uid", boards())
def test_a_board_is_for_everybody(uid: str, window: Page, drawn: Boards) -> None:
    opens(window, drawn, uid)
    assert faults(window, f"board-{uid}") == []


def test_the_address_without_a_name_leads_to_a_board(window: Page, drawn: Boards) -> None:
    window.goto(f"{drawn.url}/boards")
    expect(window.locator("h1")).to_have_text("Service health")


def test_one_service_can_be_chosen(window: Page, drawn: Boards) -> None:
    opens(window, drawn, "pir-health")
    window.get_by_label("Service", exact=True).select_option("triage")
    window.get_by_role("button", name="Show").click()
    memory = window.get_by_role("region", name="Numbers: Memory")
    expect(memory.locator("tbody th")).to_have_text(["triage"])


def test_a_page_is_loaded_again_only_for_those_who_ask(window: Page, drawn: Boards) -> None:
    opens(window, drawn, "pir-messages")
    expect(window.locator("meta[http-equiv=refresh]")).to_have_count(0)
    window.get_by_role("link", name="Load it again every 30 seconds").click()
    expect(window.locator("meta[http-equiv=refresh]")).to_have_attribute("content", "30")
    window.get_by_role("link", name="stop this").click()
    expect(window.locator("meta[http-equiv=refresh]")).to_have_count(0)


def test_a_service_that_stops_is_on_the_board_with_what_to_do(
    window: Page, drawn: Boards, lived_through: Watching, system: System
) -> None:
    alerts = window.get_by_role("region", name="Alerts that fire now")

    def is_there() -> bool:
        opens(window, drawn, "pir-health")
        return "The notify service does not answer" in alerts.inner_text()

    system.stop("notify")
    eventually(is_there, what="the alert on the board")
    [line] = in_words([lived_through.told("page", "ServiceDown", "firing")], drawn.url)
    assert "runbooks/ServiceDown.md" in line
    alerts.get_by_role("link", name="What to do: ServiceDown").click()
    expect(window.locator("#ServiceDown")).to_be_in_viewport()
    system.start("notify")
    system.wait_until_ready("notify")
    lived_through.told("page", "ServiceDown", "resolved")

    def is_over() -> bool:
        opens(window, drawn, "pir-health")
        return "does not answer" not in alerts.inner_text()

    eventually(is_over, what="the alert gone from the board")
