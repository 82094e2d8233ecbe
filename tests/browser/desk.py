"""A person at the staff pages: a browser window of their own, used by what is written on the page, and watched."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from playwright.sync_api import Browser, ConsoleMessage, Dialog, Locator, Page, Request, StorageState, expect

from tests.system import System

WORKER, LEAD, MANAGER, COMMISSIONER = "triage-worker", "triage-lead", "manager", "commissioner"
DESKTOP: Final = "desktop"
PHONE: Final = "phone"
SIZES: Final = {DESKTOP: {"width": 1280, "height": 800}, PHONE: {"width": 360, "height": 740}}
WATCH: Final = """
window.addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy violated: ${event.violatedDirective} ${event.blockedURI}`), true);
"""
ANSWERED_WITH_AN_ERROR: Final = re.compile(r"Failed to load resource: the server responded with a status of 4\d\d")
"""What a browser says of a page with a mistake in a form; the page itself is as it should be."""


@dataclass
class Person:
    """Presses, follows and fills what can be seen; `complaints` is all that the browser found wrong."""

    page: Page
    home: str
    complaints: list[str] = field(default_factory=list)

    @property
    def path(self) -> str:
        return self.page.url.removeprefix(self.home)

    @property
    def main(self) -> Locator:
        return self.page.locator("main")

    def opens(self, path: str) -> None:
        self.page.goto(self.home + path)

    def presses(self, name: str, *, within: Locator | None = None) -> None:
        self._goes_on((within or self.page).get_by_role("button", name=name))

    def follows(self, name: str, *, within: Locator | None = None) -> None:
        self._goes_on((within or self.main).get_by_role("link", name=name))

    def _goes_on(self, way: Locator) -> None:
        """Until the next page is there: or a test could read the one before."""
        with self.page.expect_navigation():
            way.first.click()

    def unfolds(self, heading: str) -> None:
        self.main.locator("summary").filter(has_text=heading).first.click()

    def fills(self, label: str, text: str) -> None:
        self.page.get_by_label(label, exact=True).fill(text)

    def chooses(self, label: str) -> None:
        """A radio button or a tick box."""
        self.page.get_by_label(label, exact=True).first.check()

    def reads(self, text: str | re.Pattern[str]) -> None:
        expect(self.page.get_by_text(text).first).to_be_visible()

    def does_not_read(self, text: str) -> None:
        expect(self.page.get_by_text(text)).to_have_count(0)

    def is_told(self, text: str) -> None:
        """In the banner at the top."""
        expect(self.page.get_by_role("alert").filter(has_text=text)).to_be_visible()

    def sees_the_mistake(self, text: str) -> None:
        """In the summary at the top, which leads to the field, and beside the field."""
        summary = self.page.locator(".nhsuk-error-summary")
        link = summary.get_by_role("link", name=text)
        expect(link).to_be_visible()
        expect(self.page).to_have_title(re.compile("^Error: "))
        anchor = link.get_attribute("href") or ""
        expect(self.page.locator(anchor)).to_have_count(1)
        expect(self.page.locator(".nhsuk-error-message").filter(has_text=text)).to_be_visible()

    def row(self, text: str) -> Locator:
        """The first row of a table with this text."""
        return self.main.locator("tbody tr").filter(has_text=text).first

    def texts(self, selector: str) -> list[str]:
        return [text.strip() for text in self.main.locator(selector).all_inner_texts()]


class Desk:
    """Where people sit down; whoever has signed in once in this role need not do it again."""

    def __init__(self, system: System, browser: Browser) -> None:
        self.system, self.browser = system, browser
        self.home = system.url("triage")
        self._kept: dict[str, StorageState] = {}
        self._people: list[Person] = []

    def sit_down(
        self, role: str | None = None, *, size: str = DESKTOP, has_script: bool = True, is_fresh: bool = False
    ) -> Person:
        """A window with nobody signed in, or with somebody in this role; `is_fresh` for a session of its own."""
        kept = None if is_fresh or role is None else self._kept.get(role)
        context = self.browser.new_context(
            viewport=SIZES[size], java_script_enabled=has_script, storage_state=kept, locale="en-GB"
        )
        context.set_default_timeout(20_000)
        if has_script:
            context.add_init_script(WATCH)
        person = Person(context.new_page(), self.home)
        _watch(person)
        self._people.append(person)
        if role and kept is None:
            self.sign_in(person, role)
            if not is_fresh:
                self._kept[role] = context.storage_state()
        return person

    def sign_in(self, person: Person, role: str, *, at: str = "/staff") -> None:
        person.opens(at)
        person.presses("Sign in with your work account")
        person.presses(self.name(role))
        expect(person.page.get_by_role("button", name="Sign out")).to_be_visible()

    def name(self, role: str) -> str:
        return str(self.system.credentials["staff"][role]["name"])

    def everybody_leaves(self) -> list[str]:
        """Close every window; returns what the browsers complained about."""
        said = [complaint for person in self._people for complaint in person.complaints]
        for person in self._people:
            person.page.context.close()
        self._people.clear()
        return said

    @contextmanager
    def called(self, role: str, name: str, *, person_id: str) -> Iterator[None]:
        """Whoever signs in with this role meanwhile is somebody else."""
        staff = self.system.sign_in.staff
        before = staff[role]
        staff[role] = before | {"name": name, "id": person_id}  # type: ignore[index]
        try:
            yield
        finally:
            staff[role] = before  # type: ignore[index]


def _watch(person: Person) -> None:
    """Errors of the page, broken policies, dialogs and requests to anywhere else are all complaints."""

    def of_console(message: ConsoleMessage) -> None:
        if message.type == "error" and not ANSWERED_WITH_AN_ERROR.match(message.text):
            person.complaints.append(f"{person.path}: {message.text}")

    def of_dialog(dialog: Dialog) -> None:
        person.complaints.append(f"{person.path}: a dialog said {dialog.message}")
        dialog.dismiss()

    def of_request(request: Request) -> None:
        if not request.url.startswith("http://127.0.0.1:"):
            person.complaints.append(f"{person.path}: asked {request.url}")

    person.page.on("console", of_console)
    person.page.on("dialog", of_dialog)
    person.page.on("request", of_request)
    person.page.on("pageerror", lambda error: person.complaints.append(f"{person.path}: {error}"))
