"""The pages for people who refer while the service behind them is killed: nothing typed is lost, nothing sent twice."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http import HTTPStatus

import httpx
import pytest

from tests.journeys.people import Member
from tests.system import System, eventually

MOMENTS = (0.0, 0.01, 0.03)
"""Seconds from the press to the kill: before anything is stored, about while it is, and about when it is answered."""


def comes_back(system: System) -> None:
    system.start("referral")
    system.wait_until_ready("referral")


def killed_meanwhile(system: System, seconds: float, *presses: Callable[[], httpx.Response]) -> None:
    """Press all at once and kill the service so soon afterwards; returns when it is back."""
    with ThreadPoolExecutor(len(presses)) as people:
        gate = threading.Barrier(len(presses) + 1)

        def press(button: Callable[[], httpx.Response]) -> None:
            gate.wait()
            with suppress(httpx.TransportError):
                button()

        pressed = [people.submit(press, button) for button in presses]
        gate.wait()
        time.sleep(seconds)
        system.kill("referral")
        for each in pressed:
            each.result()
    comes_back(system)


def test_what_was_typed_is_there_after_the_service_was_killed(system: System) -> None:
    with Member(system) as member:
        # Given a page that was saved
        member.signs_in()
        draft = member.begins()
        member.writes(draft, "babies", babies__0__given_name="Zoë", babies__0__date_of_birth="12 3 2026")
        # When the service is killed while the next page is on its way
        member.open(f"{draft}/words")
        typed = {"notes": "She asks for help.\nTwo lines."}
        killed_meanwhile(system, 0.01, lambda: member.ask("POST", f"{draft}/words", member.hidden | typed))
        # Then the browser sends the page that it still shows again, and all is there
        assert member.ask("POST", f"{draft}/words", member.hidden | typed).status_code == HTTPStatus.SEE_OTHER
        member.open(f"{draft}/words")
        assert "She asks for help.\nTwo lines." in member.words
        member.open(f"{draft}/babies")
        assert 'value="Zoë"' in member.words
        assert 'value="12 3 2026"' in member.words


@pytest.mark.parametrize("seconds", MOMENTS)
def test_sent_twice_at_once_and_killed_in_between_it_is_one_referral_and_one_receipt(
    system: System, seconds: float
) -> None:
    # Given a form with a danger, shown in two windows
    with Member(system) as member, Member(system) as other:
        member.signs_in()
        draft = member.begins()
        member.writes(draft, "safety", safety="immediate_danger")
        member.open(f"{draft}/check")
        other.cookies = dict(member.cookies)
        before = referrals(system)

        def send(window: Member) -> Callable[[], httpx.Response]:
            return lambda: window.ask("POST", f"{draft}/send", member.hidden)

        # When both windows send it, the service is killed, and both send it again
        killed_meanwhile(system, seconds, send(member), send(other))
        with ThreadPoolExecutor(2) as people:
            answers = [each.result() for each in [people.submit(send(window)) for window in (member, other)]]
        # Then it is one referral with one receipt, and both windows say so
        assert {answer.headers.get("location") for answer in answers} == {f"{draft}/sent"}
        assert referrals(system) == before + 1
        member.open(f"{draft}/sent")
        [reference] = [row["sent_as"] for row in system.query("SELECT sent_as FROM referral.draft WHERE id = $1::uuid",
                       draft.rpartition("/")[2])]  # fmt: skip
        assert reference in member.words
        system.totals_at_rest()
        eventually(lambda: system.receipts()[reference], what=f"a receipt for {reference}")
        assert system.receipts()[reference] == 1


def referrals(system: System) -> int:
    return int(system.query("SELECT count(*) AS n FROM referral.referral")[0]["n"])
