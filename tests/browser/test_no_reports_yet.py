"""Before the first report: calm pages that say when one comes. These tests run before all others."""

from __future__ import annotations

import pytest

from tests.browser.desk import COMMISSIONER, MANAGER, Desk
from tests.browser.reporting import sits_at_reports
from tests.browser.seeing import faults
from tests.system import System

PAGES = {
    "overview": (COMMISSIONER, "/staff", "No contract report yet"),
    "kpis": (MANAGER, "/staff/kpis", "No contract report yet"),
    "equality": (COMMISSIONER, "/staff/equality", "No report on equality and access yet"),
    "need": (COMMISSIONER, "/staff/need", "No report on need yet"),
    "reports": (COMMISSIONER, "/staff/reports", "Nothing is published yet."),
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_without_a_report_says_when_one_comes(desk: Desk, empty_system: System, name: str) -> None:
    role, path, words = PAGES[name]
    person = sits_at_reports(desk, role, at=path)
    person.reads(words)
    assert faults(person.page, f"reports-empty-{name}") == []
