"""The addresses that a proxy passes on (docs/operations.md): all that is for people outside, and nothing else."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Final

import pytest

from shared.runtime import Service
from tests.architecture.apps import NAMES, routes_of
from tests.architecture.test_access import framework
from tests.architecture.test_layout import ROOT

INSIDE: Final = ("/internal", "/metrics", "/totals", "/health", "/docs", "/docs.css", "/openapi.json", "/asyncapi")
"""For our own services, for monitoring, and descriptions for our own developers."""
FOR_OPERATORS: Final = {"triage": ("/audit",), "notify": ("/messages",)}
"""Asked from inside, with a token of staff."""
WITH_MESSAGES_TO_FAMILIES: Final = "/callbacks/govuk-notify"
"""Is there where a policy switches them on; the policies that ship do not."""


def passed_on() -> dict[str, set[str]]:
    """Service → the addresses that the document names for it."""
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    section = text.partition("## The proxy in front\n")[2].partition("\nand nothing else.")[0]
    found = defaultdict(set)
    for line in section.split("\n- ")[1:]:
        service = re.match(r"to (\w+)", line)
        assert service, line
        found[service[1]] |= {each.removesuffix("/...") for each in re.findall(r"`(/[^`]*)`", line)}
    return found


def is_at(path: str, address: str) -> bool:
    return path == address or (address != "/" and path.startswith(f"{address}/"))


@pytest.mark.parametrize("name", NAMES)
def test_every_route_for_people_outside_is_passed_on_and_every_address_leads_to_one(
    apps: dict[str, Service], name: str
) -> None:
    addresses = passed_on()[name]
    paths = {route.path for route in routes_of(framework(apps[name]).routes)}
    outside = {each for each in paths if not any(is_at(each, at) for at in (*INSIDE, *FOR_OPERATORS.get(name, ())))}
    # `/reports/contract.{suffix}` and such are below what stands before the brace
    missing = {each for each in outside if not any(is_at(each.replace(".{", "/{"), at) for at in addresses)}
    assert missing == set()
    nowhere = {at for at in addresses if not any(is_at(each, at) for each in paths)}
    assert nowhere <= {WITH_MESSAGES_TO_FAMILIES}


def test_nothing_of_the_inside_is_passed_on() -> None:
    for service, addresses in passed_on().items():
        hidden = ("/internal", "/metrics", "/totals", "/health", *FOR_OPERATORS.get(service, ()))
        assert not [each for each in addresses if any(is_at(each, at) for at in hidden)]
