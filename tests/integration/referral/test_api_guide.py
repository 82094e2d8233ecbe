"""The guide for an agency's programmer, docs/api.md, does what it says: each of its examples is sent, in its order.

An example is a request, a blank line and the answer. Its answer has the members and the status of the real one; times,
ids and words differ. What happens between two examples (a decision, a question, a decline) is done here.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import httpx
import pytest
import sqlalchemy as sa

from shared.events import WaitingFor, WorkItemWaiting
from shared.problems import CATALOGUE
from tests.architecture.test_layout import ROOT
from tests.integration.behind import Behind
from tests.integration.front import FrontSite
from tests.integration.referral.test_openapi import CALLS
from tests.integration.referral.test_referral_after_decision import Sent

GUIDE: Final = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
REFERENCE: Final = "PIR-4K7-29M"
FENCED: Final = re.compile(r"^```\n((?:GET|POST|PATCH) .*?)\n```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Example:
    method: str
    path: str
    headers: dict[str, str]
    body: Any
    status: int
    sent_back: dict[str, str]
    answer: Any

    @property
    def call(self) -> str:
        return f"{self.method} {self.path.partition('?')[0].replace(REFERENCE, '{reference}')}"


def read(block: str) -> Example:
    request, _, answer = block.partition("\n\n")
    head, _, body = request.partition("\n{")
    line, *headers = head.split("\n")
    method, _, path = line.partition(" ")
    first, _, given = answer.partition("\n")
    status, *more = first.split(", ")
    return Example(
        method,
        path,
        dict(each.split(": ", 1) for each in headers),
        json.loads("{" + body) if body else None,
        int(status),
        dict(each.split(": ", 1) for each in more),
        json.loads(given),
    )


EXAMPLES: Final = [read(block) for block in FENCED.findall(GUIDE)]


def assert_alike(shown: Any, real: Any, at: str = "") -> None:
    """The same members in every object that both have; where the page has a list, its first entry is looked at."""
    assert isinstance(real, type(shown)) or None in (shown, real), at
    if isinstance(shown, dict) and isinstance(real, dict) and shown and real and not at.endswith(OPEN):
        assert set(shown) == set(real), at
        for name, value in shown.items():
            assert_alike(value, real[name], f"{at}/{name}")
    if isinstance(shown, list) and isinstance(real, list) and shown and real:
        assert_alike(shown[0], real[0], f"{at}/0")


OPEN: Final = ("/code_lists", "/code_meanings", "/statuses", "/statuses_of_enquiries", "/schema")
"""Dictionaries whose names are data."""


async def between(sent: Sent, example: Example) -> None:
    """What has happened before this example."""
    if example.call == "GET /referrals/{reference}":
        await sent.is_decided(after=1)
        await sent.is_opened(after=2)
    if example.call.endswith("/questions"):
        item = uuid4()
        await sent.is_opened(after=3, item=item, route="info_request")
        what: dict[str, Any] = {"work_item_id": item, "route": "info_request", "waiting_for": WaitingFor.REFERRER}
        await sent.hears(WorkItemWaiting, after=4, **what)
    if example.call.endswith("/challenge"):
        async with sent.intake.admin.begin() as tx:
            await tx.execute(sa.text("DELETE FROM route_state"))
            await tx.execute(sa.text("UPDATE referral SET declined_at = now() WHERE id = :id"), {"id": sent.id})


async def test_every_example_of_the_guide_is_answered_as_it_says(site: FrontSite, triage: Behind) -> None:
    site.network.services["triage"] = httpx.ASGITransport(triage.service.app)
    site.network.away.discard("triage")
    intake, sent = site.referral, None
    for example in EXAMPLES:
        if sent:
            await between(sent, example)
        reference = sent.reference if sent else REFERENCE
        headers = {"Authorization": f"Bearer {intake.key()}", "Idempotency-Key": uuid4().hex} | example.headers
        path = example.path.replace(REFERENCE, reference)
        answer = await intake.http.request(example.method, path, json=example.body, headers=headers)
        where = f"{example.call} {example.status}"
        assert answer.status_code == example.status, (where, answer.text)
        assert_alike(example.answer, answer.json(), where)
        for name in ("type", "title", "status", "about"):
            assert example.answer.get(name) == answer.json().get(name), (where, name)
        codes = [
            {(each["pointer"], each["code"]) for each in it.get("errors", ())} for it in (example.answer, answer.json())
        ]
        assert codes[0] == codes[1], where
        assert set(map(str.lower, example.sent_back)) <= set(answer.headers), where
        if sent is None:
            got = answer.json()
            began = datetime.now(UTC) - timedelta(seconds=30)
            sent = Sent(intake, example.body, UUID(got["id"]), got["reference"], began)


def test_every_call_has_an_example() -> None:
    """Webhooks and FHIR have pages of their own, with examples that other tests run."""
    here = {call for call in CALLS if "/webhook" not in call and "/fhir" not in call}
    assert {example.call for example in EXAMPLES if example.status < 300} == here


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_problem_is_explained_with_its_status(name: str) -> None:
    [row] = re.findall(rf"^\| `{name}` \| (\d+) \| (.+) \|$", GUIDE, re.MULTILINE)
    assert int(row[0]) == CATALOGUE[name][0]
    assert len(row[1]) > 10


def test_the_guide_says_where_our_mails_are_matched() -> None:
    assert "X-PIR-Reference" in GUIDE
    assert "Our mails do not have your `external_reference`" in GUIDE
