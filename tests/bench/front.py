"""`python -m tests.bench.front`: how long each page for people who refer takes, once thousands of referrals are stored.

Starts the four services on servers of its own, sends the referrals, makes one member the author of some, and loads each
page again and again, one at a time, as one person does. Prints milliseconds, and the CPU that the service used. With
`--addresses` it asks for codes instead: for an address that a member has, and for one that nobody has.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Final

import httpx
import psutil

from deploy.local.credentials import MEMBERS
from services.referral.front.codes import MOST_AN_HOUR
from services.referral.front.form_pages import SLUGS
from tests.bench.generator import burst, families
from tests.journeys.people import Member
from tests.servers import running
from tests.system import System, eventually

OWN: Final = 50
"""Referrals of the member who looks: more than a health visitor sends in a year."""
SHUFFLES: Final = 2_000
GIVE: Final = """
    INSERT INTO referral.author (referral_id, member_id, looked_in)
    SELECT r.id, m.id, r.changed_in FROM (SELECT id, changed_in FROM referral.referral ORDER BY received_at DESC LIMIT $1) r,
        (SELECT member_id AS id FROM referral.member_session ORDER BY started_at DESC LIMIT 1) m
    ON CONFLICT DO NOTHING
"""


def main() -> None:
    """Start servers and services in a folder of their own, measure, stop them."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.front", description=__doc__)
    parser.add_argument("--referrals", type=int, default=5_000)
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--addresses", type=int, default=0, metavar="TIMES", help="500 in docs/front-door.md")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "servers") as servers:
        servers.make_template()
        with System(servers, servers.url_of(servers.new_database()), Path(folder) / "var") as system:
            if given.addresses:
                compare_addresses(system, given.addresses)
                return
            address = f"{system.url('referral')}/referrals"
            sent = asyncio.run(burst(address, system.agency_key(), families(given.referrals), 16))
            eventually(
                lambda: system.totals()["acknowledged"] >= len(sent.seconds), what="all acknowledged", seconds=600
            )
            print(f"{os.cpu_count()} cores; {len(sent.seconds):,} referrals, {OWN} of them the member's own.")
            with Member(system) as member:
                measure(system, member, given.times)


def measure(system: System, member: Member, times: int) -> None:
    _print(system, "sign-in", times, lambda: member.ask("GET", "/refer/sign-in"), HTTPStatus.OK)
    member.signs_in()
    system.query(GIVE, OWN)
    [own] = system.query(
        "SELECT r.reference FROM referral.referral r JOIN referral.author a ON a.referral_id = r.id LIMIT 1"
    )
    draft = member.begins()
    filled = {"caregivers__0__relationship": "mother", "caregivers__0__given_name": "Sana"}
    member.writes(draft, "carers", **filled)
    reading = {
        "own work": "/refer",
        "before": "/refer/new",
        "tasks": draft,
        **{slug: f"{draft}/{slug}" for slug in SLUGS},
        "check": f"{draft}/check",
        "own referral": f"/refer/{own['reference']}",
        "correct": f"/refer/{own['reference']}/correct",
        "copy": f"/refer/{own['reference']}/copy",
        "advice": "/refer/enquiry",
        "help": "/help",
        "help, page 1": "/help/en/1",
    }
    for name, path in reading.items():
        _print(system, name, times, lambda path=path: member.ask("GET", path), HTTPStatus.OK)  # type: ignore[misc]
    member.open(f"{draft}/words")
    texts = iter(f"A family, {number}" for number in range(times + 1))
    _print(
        system,
        "save a page",
        times,
        lambda: member.ask("POST", f"{draft}/words", {"csrf": member.hidden["csrf"], "notes": next(texts)}),
        HTTPStatus.SEE_OTHER,
    )


def compare_addresses(system: System, times: int) -> None:
    """Whether the time of an answer, or of the page after it, tells which addresses are known.

    Rounds of one request for each address, the first one drawn by lot. The p-value is that of a permutation test of the
    difference of medians: how often it is as large when in each round the two are taken for one another by lot.
    """
    lot, addresses = random.Random(1), {"known": MEMBERS["health-visiting"], "unknown": "nobody@example.org"}
    rounds: list[dict[str, tuple[float, float]]] = []
    with httpx.Client(base_url=system.url("referral"), trust_env=False) as client:
        for number in range(times + 1):
            if number % MOST_AN_HOUR == 0:
                system.query("DELETE FROM referral.sign_in_code")
            taken = {}
            for name in lot.sample(sorted(addresses), 2):
                began = time.perf_counter()
                answer = client.post("/refer/sign-in", data={"email": addresses[name]})
                answered = time.perf_counter()
                assert answer.status_code == HTTPStatus.SEE_OTHER
                client.get("/refer/sign-in/code")
                taken[name] = (answered - began, time.perf_counter() - answered)
            rounds.append(taken)
    for place, what in enumerate(("the answer", "the page after it")):
        pairs = [(1000 * each["known"][place], 1000 * each["unknown"][place]) for each in rounds[1:]]
        known, unknown = (statistics.median(values) for values in zip(*pairs, strict=True))
        shuffled = (abs(_difference([lot.sample(pair, 2) for pair in pairs])) for _ in range(SHUFFLES))
        p = (1 + sum(each >= abs(known - unknown) for each in shuffled)) / (1 + SHUFFLES)
        print(f"  {what}: median {known:.2f} ms known, {unknown:.2f} ms unknown, p = {p:.3f} ({times} rounds)")


def _difference(pairs: Sequence[Sequence[float]]) -> float:
    first, second = (statistics.median(values) for values in zip(*pairs, strict=True))
    return first - second


def _print(system: System, name: str, times: int, ask: Callable[[], httpx.Response], status: HTTPStatus) -> None:
    service, taken = psutil.Process(system._children["referral"].pid), []
    assert ask().status_code == status, name
    before = service.cpu_times()
    for _ in range(times):
        began = time.perf_counter()
        ask()
        taken.append(1000 * (time.perf_counter() - began))
    after = service.cpu_times()
    used = 1000 * (after.user + after.system - before.user - before.system) / times
    cuts = statistics.quantiles(taken, n=100, method="inclusive")
    print(f"  p50 {cuts[49]:5.0f} ms, p99 {cuts[98]:5.0f} ms, CPU {used:4.1f} ms  {name}")


if __name__ == "__main__":
    main()
