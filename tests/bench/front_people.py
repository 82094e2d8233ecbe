"""Those who open the pages for people who refer while their speed is measured, and what they make ready beforehand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import count
from typing import Any, Final
from uuid import UUID

import httpx

from services.referral.front.family import questions
from services.referral.front.form_pages import SLUGS
from tests.forms import FormReader
from tests.journeys.people import Member
from tests.signing_in import Browser
from tests.system import System

Ask = Callable[[], httpx.Response]
NEWEST: Final = "SELECT member_id AS id FROM referral.member_session ORDER BY started_at DESC LIMIT 1"
GIVE: Final = """
    INSERT INTO referral.author (referral_id, member_id, looked_in)
    SELECT r.id, $2, r.changed_in FROM referral.referral r WHERE kind = 'family' AND withdrawn_at IS NULL
    AND NOT EXISTS (SELECT FROM referral.author a WHERE a.referral_id = r.id) ORDER BY received_at DESC LIMIT $1
    RETURNING referral_id
"""
NAMED: Final = "SELECT reference FROM referral.referral WHERE id = $1"
SAID: Final = {
    "safety": "none",
    "mental_health": "none",
    "consent.status": "given",
    "babies.0.given_name": "Robin{n}",
    "babies.0.family_name": "Test{n}",
    "babies.0.date_of_birth": "1 6 2026",
    "caregivers.0.relationship": "mother",
    "caregivers.0.given_name": "Sana{n}",
    "caregivers.0.phone": "0115 49{n:05d}",
    "home.postcode": "NG6 8GB",
    "concern.severity": "moderate",
    "referrer.name": "Ada Okoro",
    "referrer.role": "Health visitor",
}
"""Box → what a referral needs of it, on whichever page it stands; `n` is another number for each family."""


@dataclass
class People:
    """Those who open the pages, at a system with thousands of referrals. `member_id` is that of `member`."""

    system: System
    member: Member
    keeper: Member
    stranger: Browser
    member_id: UUID
    numbers: count[int] = field(default_factory=count)

    @cached_property
    def draft(self) -> str:
        return self.begun(*SLUGS)

    @cached_property
    def own(self) -> str:
        return self.another()

    @cached_property
    def family(self) -> Browser:
        return self.parent()

    def begun(self, *slugs: str) -> str:
        """A form with these pages filled in."""
        draft = self.member.begins()
        for slug in slugs:
            self.posts(self.member, f"{draft}/{slug}", later="1")()
        return draft

    def another(self) -> str:
        """One more referral of the member's, as a program sent it; returns its reference."""
        [given] = self.system.query(GIVE, 1, self.member_id)
        [row] = self.system.query(NAMED, given["referral_id"])
        return str(row["reference"])

    def parent(self) -> Browser:
        """Somebody who has answered all questions."""
        browser = Browser(self.system.url("referral"))
        for page in questions.PAGES:
            self.posts(browser, f"/help/en/{page.slug}")()
        return browser

    def call(self) -> str:
        """The way in for somebody who takes a call."""
        caller = {"agency": "midwifery", "staff_name": "Tess Whitlock", "name": "Mel Osei", "role": "Midwife"}
        token = self.system.credentials["secrets"]["PIR_TOKEN_TRIAGE_REFERRAL"]
        headers = {"Authorization": f"Bearer {token}", "X-PIR-Actor": "dev-triage-worker"}
        url = f"{self.system.url('referral')}/internal/front/calls"
        return str(httpx.post(url, json=caller, headers=headers).raise_for_status().json()["path"])

    def posts(self, browser: Browser, path: str, *, shown_at: str = "", **boxes: str) -> Ask:
        """The form at this address, opened and filled in, to be pressed."""
        browser.open(shown_at or path)
        form = next(each for each in FormReader(browser.words).forms if each.action == path)
        n = next(self.numbers)
        known = {name: said.format(n=n) for name, said in SAID.items() if name in form.boxes}
        fields: dict[str, Any] = form.sent | known | boxes
        return partial(browser.ask, "POST", path, fields)
