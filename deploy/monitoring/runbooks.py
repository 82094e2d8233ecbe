"""The pages of docs/runbooks in Grafana, where panels link to: whoever is woken may have nothing else open."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import text
from grafana_foundation_sdk.models.dashboard import Dashboard
from grafana_foundation_sdk.models.text import TextMode

from deploy.monitoring.alerts import ROOT, alerts
from deploy.monitoring.boards import Row, board
from deploy.monitoring.panels import RUNBOOKS

FOLDER: Final = ROOT / "docs" / "runbooks"


def runbooks() -> Dashboard:
    """One panel a page, in the order of the alphabet: a panel's number is the page's place (panels.py counts on it)."""
    pages = [_page(name) for name in sorted(alerts())]
    return board(RUNBOOKS, "Runbooks", "What to do when an alert fires; made from docs/runbooks.", [Row("", pages)])


def _page(name: str) -> text.Panel:
    heading, _, content = (FOLDER / f"{name}.md").read_text(encoding="utf-8").partition("\n")
    panel = text.Panel().title(heading.removeprefix("# ")).mode(TextMode.MARKDOWN).content(content.strip())
    return panel.span(12).height(14)
