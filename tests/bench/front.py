"""`python -m tests.bench.front`: how long each page for people who refer takes, once thousands of referrals are stored.

Starts the four services on servers of its own, sends the referrals, makes one member the author of some, and loads each
page of front_pages.py and sends each form again and again, one at a time, as one person does. Prints milliseconds, and
the CPU that the service used. `--only send` measures those pages whose route or name has this word. With `--addresses` it asks for codes instead: for an address that a member has, and for one that nobody has.
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

from deploy.local.credentials import KEEPERS, MEMBERS
from services.referral.front.codes import MOST_AN_HOUR
from shared.settings import ROOT
from tests.bench.front_pages import PAGES, Measured
from tests.bench.front_people import GIVE, NEWEST, People
from tests.bench.generator import burst, families
from tests.journeys.people import Member
from tests.servers import end_as_by_ctrl_c, running
from tests.signing_in import Browser
from tests.system import System, eventually

OWN: Final = 50
"""Referrals of the member who looks: more than a health visitor sends in a year."""
SHUFFLES: Final = 2_000


def main() -> None:
    """Start servers and services in a folder of their own, measure, stop them."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.front", description=__doc__)
    parser.add_argument("--referrals", type=int, default=5_000)
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--addresses", type=int, default=0, metavar="TIMES", help="500 in docs/front-door.md")
    parser.add_argument("--only", default="", metavar="WORD")
    given = parser.parse_args()
    end_as_by_ctrl_c()
    with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "servers") as servers:
        servers.make_template()
        with System(servers, servers.url_of(servers.new_database()), Path(folder) / "var", tree=ROOT) as system:
            if given.addresses:
                compare_addresses(system, given.addresses)
                return
            address = f"{system.url('referral')}/referrals"
            sent = asyncio.run(burst(address, system.agency_key(), families(given.referrals), 16))
            eventually(
                lambda: system.totals()["acknowledged"] >= len(sent.seconds), what="all acknowledged", seconds=600
            )
            print(f"{os.cpu_count()} cores; {len(sent.seconds):,} referrals, {OWN} of them the member's own.")
            with Member(system) as member, Member(system) as keeper, Browser(system.url("referral")) as stranger:
                measure(signed_in(system, member, keeper, stranger), given.times, given.only)


def signed_in(system: System, member: Member, keeper: Member, stranger: Browser) -> People:
    """The keeper first, then the member, who has sent some of the referrals."""
    keeper.email = KEEPERS["health-visiting"]
    keeper.signs_in()
    member.signs_in()
    [newest] = system.query(NEWEST)
    system.query(GIVE, OWN, newest["id"])
    return People(system, member, keeper, stranger, newest["id"])


def measure(people: People, times: int, only: str) -> None:
    """Each page in turn. What is made ready anew before each time is not in the milliseconds, and has no CPU of its own."""
    service = psutil.Process(people.system._children["referral"].pid)
    for page in PAGES:
        if only not in f"{page.route} {page.name}":
            continue
        ask, taken = page.ready(people), []
        _answered(page, ask)
        before = service.cpu_times()
        for _ in range(times):
            if page.is_fresh:
                ask = page.ready(people)
            began = time.perf_counter()
            answer = ask()
            taken.append(1000 * (time.perf_counter() - began))
            assert answer.status_code == page.status, (page, answer.text)
        after = service.cpu_times()
        used = 1000 * (after.user + after.system - before.user - before.system) / times
        cuts = statistics.quantiles(taken, n=100, method="inclusive")
        cpu = "           " if page.is_fresh else f"CPU {used:4.1f} ms"
        print(f"  p50 {cuts[49]:5.0f} ms, p99 {cuts[98]:5.0f} ms, {cpu}  {page.route} {page.name}".rstrip(), flush=True)


def _answered(page: Measured, ask: Callable[[], httpx.Response]) -> None:
    """The first time is not measured."""
    answer = ask()
    assert answer.status_code == page.status, (page, answer.status_code, answer.text)


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


if __name__ == "__main__":
    main()
