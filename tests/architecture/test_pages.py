"""What every service serves beside its work: docs for people and machines, problems, security headers."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from services.triage.rules import CATALOGUE as RULES
from services.triage.work_items.steps import STEPS
from shared.openapi import INTERNAL
from shared.problems import CATALOGUE
from shared.runtime import Service
from tests.architecture.apps import BUILD, INTERNAL_PORT, NAMES, SETTINGS, client_of, in_production
from tests.architecture.test_access import ACCESS
from tests.architecture.test_imports import modules

STATUSES = {400, 401, 403, 404, 405, 406, 408, 409, 410, 412, 413, 415, 422, 429, 500, 503}
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-resource-policy": "same-origin",
}
ADDRESSES = ("/docs", "/docs.css", "/openapi.json", "/asyncapi", "/metrics", "/health/live", "/nothing-here")

each_service = pytest.mark.parametrize("name", NAMES)


async def text_of(service: Service, path: str) -> str:
    async with client_of(service) as client:
        answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


@each_service
async def test_the_docs_page_names_every_call_and_every_problem(apps: dict[str, Service], name: str) -> None:
    page = await text_of(apps[name], "/docs")
    """The intake's page is for agencies: calls among our own services are not theirs."""
    calls = [call for call in ACCESS[name] if name != "referral" or not call.partition(" ")[2].startswith(INTERNAL)]
    assert [call for call in calls if f"<code>{call}<" not in page] == []
    assert [problem for problem in CATALOGUE if f"urn:pir:problem:{problem}<" not in page] == []


@each_service
async def test_the_docs_page_has_no_script_and_no_style_of_its_own(apps: dict[str, Service], name: str) -> None:
    page = (await text_of(apps[name], "/docs")).lower()
    assert not re.search(r"<script|<style|\sstyle=|\son[a-z]+=|javascript:|<iframe|<object|<img", page)
    assert "lang=en" in page
    assert "<title>" in page
    assert "{" in await text_of(apps[name], "/docs.css")


async def test_every_rule_is_in_the_docs_of_triage_with_its_source(apps: dict[str, Service]) -> None:
    page = await text_of(apps["triage"], "/docs")
    assert [rule for rule in RULES if f"<td><code>{rule}<" not in page] == []
    assert [rule.id for rule in RULES.values() if not (rule.source and rule.meaning)] == []


async def test_every_step_is_in_the_docs(apps: dict[str, Service]) -> None:
    page = await text_of(apps["triage"], "/docs")
    assert [step for step in STEPS if f"<td><code>{step}<" not in page] == []
    assert "waiting_for_referrer" in await text_of(apps["referral"], "/docs")


@each_service
@pytest.mark.parametrize("path", ADDRESSES)
async def test_every_answer_has_the_security_headers(apps: dict[str, Service], name: str, path: str) -> None:
    async with client_of(apps[name]) as client:
        headers = (await client.get(path)).headers
    assert {header: headers.get(header) for header in HEADERS} == HEADERS
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert re.fullmatch(r"[0-9a-f-]{36}", headers["x-correlation-id"])


@each_service
async def test_transport_security_is_asked_for_in_production_only(
    apps: dict[str, Service], name: str, tmp_path: Path
) -> None:
    async with client_of(apps[name]) as client:
        assert "strict-transport-security" not in (await client.get("/health/live")).headers
    async with client_of(await BUILD[name](SETTINGS[name](**in_production(tmp_path)))) as client:
        assert "max-age=63072000" in (await client.get("/health/live")).headers["strict-transport-security"]


@each_service
async def test_outside_development_live_counts_and_identities_are_on_the_internal_listener_only(
    name: str, tmp_path: Path
) -> None:
    service = await BUILD[name](SETTINGS[name](**in_production(tmp_path)))
    inside = [call for call in ACCESS[name] if call.partition(" ")[2].startswith(("/metrics", "/totals", "/internal/"))]
    assert inside
    for verb, _, path in (call.partition(" ") for call in inside):
        async with client_of(service) as outside:
            assert (await outside.request(verb, path)).status_code == 404
        async with client_of(service, port=INTERNAL_PORT) as colleague:
            assert (await colleague.request(verb, path)).status_code != 404


@each_service
async def test_what_the_framework_refuses_is_a_problem_too(apps: dict[str, Service], name: str) -> None:
    async with client_of(apps[name]) as client:
        answers = [await client.get("/nothing-here"), await client.delete("/docs")]
    assert [answer.status_code for answer in answers] == [404, 405]
    for answer in answers:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["cache-control"] == "no-store"
        assert set(answer.json()) == {"type", "title", "status", "detail", "instance"}
    assert "GET" in answers[1].headers["allow"]


@each_service
async def test_a_method_that_an_address_does_not_take_is_told_all_that_it_does(
    apps: dict[str, Service], name: str
) -> None:
    """The framework has a route for each method, and knows those of the first one alone."""
    taken: dict[str, set[str]] = {}
    for call in ACCESS[name]:
        verb, _, path = call.partition(" ")
        taken.setdefault(path, set()).add(verb)
    fitting = {path: {verb for other in taken if _fits(other, path) for verb in taken[other]} for path in taken}
    assert name != "referral" or max(map(len, fitting.values())) > 1
    async with client_of(apps[name]) as client:
        for path, methods in fitting.items():
            for method in {"GET", "PUT", "PATCH", "DELETE"} - methods:
                answer = await client.request(method, path)
                assert answer.status_code == 405, (method, path)
                assert set(answer.headers["allow"].split(", ")) - {"HEAD"} == methods, (method, path)


def _fits(template: str, path: str) -> bool:
    return bool(re.fullmatch("[^/]+".join(map(re.escape, re.split(r"{\w+}", template))), path))


@each_service
async def test_a_problem_names_the_address_that_was_asked_for_and_no_query(apps: dict[str, Service], name: str) -> None:
    """Percent-encoded, and none that is too long to repeat."""
    paths = [
        "/nothing-here",
        "/docs/PIR-4K7-29M",
        "/referrals/PIR-4K7-29M/nothing",
        "/a%20b/%3Cscript%3E",
        "/%F0%9F%91%B6",
    ]
    async with client_of(apps[name]) as client:
        for path in paths:
            answer = await client.get(f"{path}?name=Qqzx")
            assert (answer.status_code, answer.json()["instance"]) == (404, path)
            assert "Qqzx" not in answer.text
        for path in (call.partition(" ")[2] for call in ACCESS[name] if "{" not in call and "/fhir/" not in call):
            answer = await client.delete(path)
            assert answer.status_code < 400 or answer.json()["instance"] == path
        assert (await client.get("/" + "x" * 3000)).json()["instance"] == "/"


@each_service
async def test_an_address_with_a_slash_too_many_is_not_there(apps: dict[str, Service], name: str) -> None:
    """No redirect either: its Location would repeat the Host that was sent."""
    async with client_of(apps[name]) as client:
        for call in ACCESS[name]:
            verb, _, path = call.partition(" ")
            for odd in (f"{path}/", f"/{path}", f"{path}//"):
                answer = await client.request(verb, f"http://elsewhere{odd}")
                assert answer.status_code == 404, (verb, odd)
                assert answer.headers["content-type"] in {"application/problem+json", "application/fhir+json"}


@each_service
async def test_metrics_have_our_prefix(apps: dict[str, Service], name: str) -> None:
    names = re.findall(r"^# TYPE (\S+)", await text_of(apps[name], "/metrics"), re.MULTILINE)
    assert {each.partition("_")[0] for each in names} <= {"pir", "python", "process"}
    assert "pir_http_request_seconds" in names


def test_problems_are_told_apart_by_name_and_words() -> None:
    assert len({title for _, title in CATALOGUE.values()}) == len(CATALOGUE)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", name) for name in CATALOGUE)
    assert {status for status, _ in CATALOGUE.values()} == STATUSES


def test_every_problem_that_code_names_is_in_the_catalogue() -> None:
    raised = {
        node.args[0].value
        for tree in modules().values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "Problem"
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }
    assert raised <= set(CATALOGUE)
    assert raised >= {"not-found", "forbidden", "credentials-missing", "step-not-allowed"}
