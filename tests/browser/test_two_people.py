"""Two people at one item: one has it, the other is told who; nothing that somebody typed is lost."""

from __future__ import annotations

import http.client
import re
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from threading import Barrier
from typing import Self
from urllib.parse import urlencode

from playwright.sync_api import expect

from tests.browser.cases import Case, Cases
from tests.browser.desk import LEAD, WORKER, Desk, Person

TIMES = 200
SEE_OTHER, CONFLICT = 303, 409


class Caller:
    """The session of a person who has signed in, without the window: for what takes many tries."""

    def __init__(self, person: Person) -> None:
        person.opens("/staff/find")
        self.csrf = person.page.locator("input[name=csrf]").first.input_value()
        self.cookie = "; ".join(f"{each['name']}={each['value']}" for each in person.page.context.cookies())
        self.connection = http.client.HTTPConnection(person.home.removeprefix("http://"), timeout=30)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def claims(self, case: Case) -> tuple[int, str]:
        body = urlencode({"csrf": self.csrf})
        headers = {"Cookie": self.cookie, "Content-Type": "application/x-www-form-urlencoded"}
        self.connection.request("POST", f"{case.path}/claim", body, headers)
        answer = self.connection.getresponse()
        page = answer.headers.get("Location", "")
        if "kept=" in page:  # the page that says why not
            answer.read()
            cookies = [each.partition(";")[0] for each in answer.headers.get_all("Set-Cookie", [])]
            self.cookie = "; ".join([self.cookie, *cookies])
            self.connection.request("GET", page, headers={"Cookie": self.cookie})
            answer = self.connection.getresponse()
        return answer.status, unescape(re.sub(r"<[^>]+>", "", answer.read().decode()))


def test_of_two_who_take_it_at_once_exactly_one_has_it_every_time(desk: Desk, cases: Cases) -> None:
    case, together = cases.plain(), Barrier(2)
    with Caller(desk.sit_down(WORKER)) as worker, Caller(desk.sit_down(LEAD)) as lead, ThreadPoolExecutor(2) as hands:
        callers = {WORKER: worker, LEAD: lead}

        def claim(role: str) -> tuple[str, int, str]:
            together.wait(timeout=30)
            return role, *callers[role].claims(case)

        for _ in range(TIMES):
            (first, won, _), (second, lost, told) = sorted(hands.map(claim, callers), key=lambda answer: answer[1])
            assert (won, lost) == (SEE_OTHER, CONFLICT)
            assert cases.lead.sees(case.item)["assignee"] == f"dev-{first}"
            assert f"{desk.name(first)} has this now." in told, f"{second} is not told who has it"
            cases.lead.does(case.item, "release")


def test_whoever_comes_second_sees_what_changed_and_keeps_every_word(desk: Desk, cases: Cases) -> None:
    case = cases.taken_on()
    worker, lead = desk.sit_down(WORKER), desk.sit_down(LEAD)
    for person in (worker, lead):
        person.opens(f"{case.path}/override")
        person.page.get_by_label("Parent-infant team, short-term work").uncheck()
        person.chooses("Early Help")
        person.chooses("Targeted support")
        person.presses("Compare before and after")
        person.fills("Why do you decide differently?", f"Because {person.page.url[-3:]}\nI know them.")
    lead.page.goto(f"{desk.home}{case.path}/note")
    lead.fills("Your note", "They moved to an aunt.")
    lead.presses("Add a note")
    lead.is_told("Your note is added.")

    worker.presses("Decide")
    worker.reads("Something has changed")
    worker.reads(re.compile(f"{desk.name(LEAD)} wrote a note"))
    worker.reads("Nothing was saved.")
    kept = worker.page.get_by_label("Why do you decide differently?")
    expect(kept).to_have_value(re.compile(r"^Because .+\nI know them\.$"))
    expect(worker.row("Level of support")).to_contain_text("Targeted support")

    worker.presses("Decide")
    worker.is_told("Your decision is in force.")


def test_a_form_of_work_that_has_ended_keeps_the_words_and_says_how_it_stands(desk: Desk, cases: Cases) -> None:
    case = cases.taken_on()
    worker, lead = desk.sit_down(WORKER), desk.sit_down(LEAD)
    worker.opens(f"{case.path}/note")
    worker.fills("Your note", "A long thought")
    lead.opens(f"{case.path}/close")
    lead.chooses("The family moved away")
    lead.presses("Close this work")
    lead.is_told("This work is closed.")
    worker.presses("Add a note")
    worker.reads(f"{desk.name(LEAD)} closed this work: The family moved away")
    worker.reads("This step is not possible any more. You can still copy what you wrote.")
    worker.does_not_read("Press again")
    expect(worker.page.get_by_label("Your note", exact=True)).to_have_value("A long thought")
