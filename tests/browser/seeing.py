"""What is wrong with a page as it is seen: axe's findings, what does not fit a narrow window; and its picture."""

from __future__ import annotations

import json
import re
from collections.abc import Container
from pathlib import Path
from typing import Any, Final

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.desk import DESKTOP, SIZES

PICTURES: Final = Path(__file__).parents[2] / "var" / "screenshots"
WCAG: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
ADVICE: Final = "best-practice"
LIGHT: Final[dict[str, Any]] = {
    "resultTypes": ["violations"],
    "preload": False,  # only rules that we do not ask for read the style sheets
    "iframes": False,  # our policy forbids them
    "selectors": False,
    "ancestry": False,
    "elementRef": False,
}
"""Half the time of all that axe could tell."""
AXE: Final = Axe().axe_script
NARROW: Final = {"width": 320, "height": 640}
"""WCAG 1.4.10: 1280 pixels at 400 %."""
TOO_WIDE: Final = """() => document.documentElement.scrollWidth <= innerWidth ? [] :
  [...document.querySelectorAll("body *")].filter((each) => each.getBoundingClientRect().right > innerWidth + 1)
    .map((each) => `${each.tagName}.${each.className}`.slice(0, 80)).slice(0, 5).concat("scrolls sideways")"""
MARKUP: Final = re.compile(r"</?[a-z][a-z0-9]*[ >]")
"""A tag that was meant to be one."""

advice: Final[dict[str, set[str]]] = {}
"""Best practice that a page does not follow, by rule: printed in the end, for whoever wants to do better."""


TOO_WIDE_BUT_TABLES: Final = """() => document.documentElement.scrollWidth <= innerWidth ? [] :
  [...document.querySelectorAll("body *")].filter((each) => !each.closest("table"))
    .filter((each) => each.getBoundingClientRect().right > innerWidth + 1)
    .map((each) => `${each.tagName}.${each.className}`.slice(0, 80)).slice(0, 5)"""
"""A table of data has to be read in two directions, and may be wider as it may at 320 pixels (WCAG 1.4.10)."""
LARGE_TEXT: Final = "document.documentElement.style.fontSize = '200%'"


def faults_when_large(
    page: Page, name: str, *, pictures: Container[str] = SIZES, wide_tables: bool = False
) -> list[str]:
    """As `faults`; also what does not fit on a desk once its text is twice as large, or but for `wide_tables`."""
    found = faults(page, name, pictures=pictures)
    page.set_viewport_size(SIZES["desktop"])
    page.evaluate(LARGE_TEXT)
    return found + [f"200 %: {fault}" for fault in page.evaluate(TOO_WIDE_BUT_TABLES if wide_tables else TOO_WIDE)]


def faults(page: Page, name: str, *, pictures: Container[str] = SIZES) -> list[str]:
    """Everything that WCAG 2.2 AA forbids, at both sizes, and what does not fit 320 pixels; takes these pictures."""
    found = []
    for size, window in SIZES.items():
        page.set_viewport_size(window)
        if size in pictures:
            take_picture(page, f"{name}-{size}")
        tags = (*WCAG, ADVICE) if size == DESKTOP else WCAG
        found += [f"{size}: {fault}" for fault in _violations(page, name, *tags)]
    found += [f"shown as text: {markup}" for markup in MARKUP.findall(page.inner_text("body"))]
    page.set_viewport_size(NARROW)
    return found + [f"320 px: {fault}" for fault in page.evaluate(TOO_WIDE)]


def take_picture(page: Page, name: str) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}.png", full_page=True)


def _violations(page: Page, name: str, *tags: str) -> list[str]:
    options = LIGHT | {"runOnly": {"type": "tag", "values": tags}}
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)  # half a megabyte, once a page and not once a size
    found = []
    for violation in page.evaluate(f"axe.run({json.dumps(options)}).then((results) => results.violations)"):
        if set(violation["tags"]) & set(WCAG):
            found.append(f"{violation['id']}: {_places(violation)}")
        else:
            advice.setdefault(violation["id"], set()).add(name)
    return found


def _places(violation: dict[str, Any]) -> str:
    return "; ".join(str(node["html"])[:200] for node in violation["nodes"][:3])
