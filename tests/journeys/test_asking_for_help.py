"""A parent asks for help on the pages without an account, and a person has to ring."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from services.referral.front.family.drafts import COOKIE
from tests.journeys.people import Agency, Staff, a_mail
from tests.system import System

CSRF = re.compile(r'name="csrf" value="([^"]+)"')


class Parent:
    """A browser without script. On 127.0.0.1 browsers send a Secure cookie without TLS; this client has to be told."""

    def __init__(self, system: System, tag: str) -> None:
        self._http = httpx.Client(base_url=system.url("referral"))
        self._tag, self._cookie = tag, {"Cookie": ""}

    def close(self) -> None:
        self._http.close()

    def sends(self, page: str, **typed: Any) -> str:
        """Fill in a page; returns where it led."""
        shown = self._http.get(f"/help/{self._tag}/{'check' if page == 'send' else page}", headers=self._cookie)
        if given := re.search(rf"{COOKIE}=[\w-]+", shown.headers.get("set-cookie", "")):
            self._cookie = {"Cookie": given[0]}
        [csrf] = CSRF.findall(shown.text)
        answer = self._http.post(f"/help/{self._tag}/{page}", data={"csrf": csrf} | typed, headers=self._cookie)
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    def asks_for_help(self, name: str, postcode: str) -> str:
        """Through the pages; returns the reference."""
        self.sends("1", safety="none")
        self.sends("2", **{"caregivers.0.given_name": name, "caregivers.0.relationship": "mother"})
        self.sends("3", **{"caregivers.0.phone": "0115 496 0177"})
        self.sends("4", **{"babies.0.date_of_birth": "", "babies.0.due_on": ""})
        self.sends("5", **{"home.postcode": postcode})
        sent = self._http.get(self.sends("send"), headers=self._cookie)
        return re.findall(r"PIR-[A-Z0-9-]+", sent.text)[0]


@pytest.fixture(params=["en", "ur"])
def parent(system: System, request: pytest.FixtureRequest) -> Iterator[Parent]:
    someone = Parent(system, request.param)
    yield someone
    someone.close()


@pytest.mark.parametrize("postcode", ["", "NG6 8GB", "NG3 5GA"], ids=["no-postcode", "open-ward", "closed-ward"])
def test_a_parent_who_asks_is_on_the_list_of_those_to_ring(
    system: System, worker: Staff, health_visiting: Agency, parent: Parent, postcode: str
) -> None:
    reference = parent.asks_for_help("Quillonia", postcode)
    item = worker.finds("review_call_back", reference)
    worker.does(item, "claim")
    worker.does(item, "contact-attempt", outcome="no_answer")
    mail = a_mail(system, reference, "receipt")
    assert "Quillonia" not in f"{mail.subject} {mail.text}"
    assert health_visiting.call("GET", f"/referrals/{reference}").status == 404
