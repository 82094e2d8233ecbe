"""From a work item back to the list that somebody came from, narrowed and sorted as it was; kept over every step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from services.triage.pages.forms import text_in
from shared.pages.wording import route_name
from shared.sign_in.addresses import local_page

LISTS: Final = "/staff/queues/"


def list_in(asked: Mapping[str, Any]) -> str:
    """The address of the list, as a link or a form says it; nothing for any other page."""
    there = local_page(text_in(asked, "list"))
    return there if there.startswith(LISTS) else ""


def way_to(came_from: str, route: str) -> list[tuple[str, str]]:
    """The lists above an item of a route, as words and address: all of the route where nobody came from a list."""
    is_other = bool(came_from) and came_from.partition("?")[0] != f"{LISTS}{route}"
    words = "The list you came from" if is_other else route_name(route)
    return [("Queues", "/staff/queues"), (words, came_from or f"{LISTS}{route}")]
