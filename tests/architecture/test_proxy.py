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


def sample() -> dict[str, list[re.Pattern[str]]]:
    """Service → what the sample for nginx sends to it."""
    text = (ROOT / "deploy" / "proxy" / "nginx.conf").read_text(encoding="utf-8")
    found = defaultdict(list)
    for sign, pattern, inside in re.findall(r"location (~ |= )?(\S+)\s*\{([^}]*)\}", text):
        for service in re.findall(r"proxy_pass http://(\w+);", inside):
            assert sign, "a prefix would pass on what begins alike"
            found[service].append(re.compile(pattern if sign == "~ " else f"^{re.escape(pattern)}$"))
    return found


@pytest.mark.parametrize("name", NAMES)
def test_the_sample_for_nginx_passes_on_what_the_document_names(apps: dict[str, Service], name: str) -> None:
    patterns, addresses = sample()[name], passed_on()[name]
    for address in addresses:
        assert any(each.search(address) for each in patterns), address
    below = {route.path for route in routes_of(framework(apps[name]).routes)}
    for path in {re.sub(r"\{[^}]*\}", "x", each) for each in below}:
        is_named = any(is_at(path.replace(".x", "/x"), address) for address in addresses)
        assert any(each.search(path) for each in patterns) == is_named, path


def test_the_sample_for_nginx_keeps_those_who_ask_for_help_out_of_its_logs() -> None:
    text = (ROOT / "deploy" / "proxy" / "nginx.conf").read_text(encoding="utf-8")
    [inside] = re.findall(r"location ~ \^/\(help\|[^{]*\{([^}]*)\}", text)
    assert {"access_log /var/log/nginx/help.log without_people;", "error_log /dev/null;"} <= {
        line.strip() for line in inside.splitlines()
    }
    [format_of_it] = re.findall(r"log_format without_people '([^']*)'", text)
    assert not re.search(r"addr|request(?!_method|_time)|uri|referer|user", format_of_it)
