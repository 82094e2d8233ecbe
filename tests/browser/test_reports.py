"""The reports in a real browser: for everybody, by keyboard, on a phone; and the way between the two services."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.desk import COMMISSIONER, LEAD, MANAGER, WORKER, Desk, Person
from tests.browser.reporting import publish_examples, sits_at_reports
from tests.browser.seeing import faults_when_large
from tests.browser.test_keyboard import goes_to, presses
from tests.system import System

PAGES = {
    "sign-in": (None, "/staff"),
    "overview": (COMMISSIONER, "/staff"),
    "kpis": (COMMISSIONER, "/staff/kpis"),
    "kpi": (MANAGER, "/staff/kpis/decided_in_time"),
    "kpi-count": (COMMISSIONER, "/staff/kpis/received"),
    "kpi-held-back": (COMMISSIONER, "/staff/kpis/contacted_in_time_priority"),
    "kpi-wait": (COMMISSIONER, "/staff/kpis/wait_specialist_long"),
    "equality": (COMMISSIONER, "/staff/equality?period=2026-03--2026-08"),
    "need": (COMMISSIONER, "/staff/need?period=2025-09--2026-08"),
    "reports": (COMMISSIONER, "/staff/reports"),
    "report": (LEAD, "/staff/reports/2026-06"),
    "one-page": (COMMISSIONER, "/staff/reports/2026-06/one-page"),
    "report-older": (COMMISSIONER, "/staff/reports/2026-06?version=1"),
    "about": (COMMISSIONER, "/staff/about"),
    "export": (MANAGER, "/staff/export"),
    "not-found": (COMMISSIONER, "/staff/reports/2019-01?version=3"),
    "not-for-workers": (WORKER, "/staff"),
}


@pytest.fixture(scope="module", autouse=True)
def published(system: System) -> None:
    publish_examples(system)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_for_everybody(desk: Desk, name: str) -> None:
    role, path = PAGES[name]
    person = sits_at_reports(desk, role)
    person.opens(path)
    expect(person.page).to_have_title(re.compile(r"^[^–]+ – Parent-infant reports$"))
    expect(person.page.locator("h1")).to_have_count(1)
    for folded in person.page.locator("main details > summary").all():
        folded.click()
    assert faults_when_large(person.page, f"reports-{name}", wide_tables=True) == []


@pytest.mark.parametrize("name", ["overview", "kpi", "equality", "need", "report"])
def test_a_picture_is_told_to_a_screen_reader_and_stands_with_its_table(desk: Desk, name: str) -> None:
    role, path = PAGES[name]
    person = sits_at_reports(desk, role)
    person.opens(path)
    pictures = person.main.get_by_role("img").all()
    assert pictures
    for picture in pictures:
        expect(picture).to_have_accessible_name(re.compile(r"\w+ \w+"))
        assert len(picture.locator("desc").first.text_content() or "") > 10
    assert person.main.locator("table").count() >= len(pictures)


def test_a_commissioner_reads_the_month_by_keyboard_alone(desk: Desk) -> None:
    person = sits_at_reports(desk)
    person.opens("/staff")
    presses(person, "Sign in with your work account")
    presses(person, desk.name(COMMISSIONER))
    person.reads("at a glance")
    presses(person, "KPIs")
    goes_to(person.page, "What it means", "SUMMARY")
    person.page.keyboard.press("Enter")
    expect(person.main.locator("details[open]")).to_have_count(1)
    presses(person, "Reports", tag="A")
    person.reads("A report is published once")


@pytest.mark.parametrize("suffix", ["xlsx", "csv", "json"])
def test_a_report_is_taken_along(desk: Desk, suffix: str) -> None:
    person = sits_at_reports(desk, COMMISSIONER)
    person.opens("/staff/reports/2026-06")
    with person.page.expect_download() as download:
        person.main.locator(f'a[href*=".{suffix}"]').first.click()
    assert download.value.suggested_filename.endswith(f"nottingham-contract-report-2026-06-version-2.{suffix}")


def sheets(person: Person) -> int:
    """So many pages the browser prints."""
    return len(re.findall(rb"/Type\s*/Page\b(?!s)", person.page.pdf(prefer_css_page_size=True)))


def test_a_month_is_printed_on_one_sheet(desk: Desk) -> None:
    person = sits_at_reports(desk, COMMISSIONER)
    person.opens("/staff/reports/2026-06")
    person.main.get_by_role("link", name="One page to print").click()
    person.reads("June 2026 on one page")
    assert sheets(person) == 1


@pytest.mark.parametrize("path", ["/staff/reports/2026-06", "/staff/need?period=2025-09--2026-08"])
def test_a_report_on_paper_begins_with_its_title_and_its_tables_stay_tables(desk: Desk, path: str) -> None:
    person = sits_at_reports(desk, COMMISSIONER)
    person.opens(path)
    person.page.set_viewport_size({"width": 700, "height": 1000})
    person.page.emulate_media(media="print")
    for left_out in ("header", "footer", ".nhsuk-breadcrumb", "a[download]"):
        expect(person.page.locator(left_out).first).to_be_hidden()
    after = person.page.evaluate("() => getComputedStyle(document.querySelector('main a'), '::after').content")
    assert after == "none"
    row = person.main.locator("tbody tr").first
    expect(row).to_have_css("display", "table-row")
    expect(person.main.locator("table").first).to_have_css("break-inside", "auto")


def test_a_manager_takes_the_coded_lines_along(desk: Desk) -> None:
    person = sits_at_reports(desk, MANAGER, at="/staff/export")
    with person.page.expect_download() as download:
        person.page.get_by_role("button", name="Download the lines as CSV").click()
    assert re.fullmatch(r"coded-export-\d{4}-\d\d\.csv", download.value.suggested_filename)
    with person.page.expect_download() as dictionary:
        person.main.get_by_role("link", name="What each column and each code means").click()
    assert dictionary.value.suggested_filename.endswith("dictionary.csv")


def test_nothing_is_lost_in_greyscale_or_without_colour(desk: Desk) -> None:
    """Met and missed are words, too."""
    person = sits_at_reports(desk, COMMISSIONER)
    person.opens("/staff/reports/2026-06")
    for tag in person.main.locator(".nhsuk-tag").all():
        assert (tag.text_content() or "").strip()


@pytest.mark.parametrize("role", [LEAD, MANAGER])
def test_the_pages_of_referrals_lead_to_the_reports_and_back(desk: Desk, role: str) -> None:
    person = desk.sit_down(role)
    person.opens("/staff")
    person.page.get_by_role("link", name="Reports", exact=True).first.click()
    person.presses("Sign in with your work account")
    person.presses(desk.name(role))
    person.reads("at a glance")
    person.page.get_by_role("link", name="Referrals", exact=True).first.click()
    person.reads("Today")
    assert person.page.url.startswith(desk.home), "still signed in at the first"


def test_a_commissioner_who_comes_to_the_wrong_place_is_led_to_the_reports(desk: Desk) -> None:
    person = desk.sit_down(COMMISSIONER)
    person.opens("/staff")
    person.reads("Welcome")
    person.main.get_by_role("link", name="Reports", exact=True).click()
    person.presses("Sign in with your work account")
    person.presses(desk.name(COMMISSIONER))
    person.reads("at a glance")


def test_a_worker_who_comes_to_the_reports_is_led_to_the_referrals(desk: Desk) -> None:
    person = sits_at_reports(desk, WORKER)
    person.reads("Reports are not part of your role")
    person.main.get_by_role("link", name="Referrals", exact=True).click()
    assert person.page.url.startswith(desk.home)


def test_signing_out_of_the_reports_leaves_the_referrals_alone(desk: Desk) -> None:
    person = desk.sit_down(LEAD, is_fresh=True)
    person.home = desk.system.url("metrics")
    desk.sign_in(person, LEAD)
    person.presses("Sign out")
    person.reads("You are signed out")
    person.page.goto(f"{desk.home}/staff")
    person.reads("Today")
