"""The policy: read by the team, drafted by a manager, compared with what was decided, and never put live from here."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.desk import DESKTOP, MANAGER, PHONE, WORKER, Desk, Person
from tests.system import System

FILE = Path(__file__).parents[2] / "deploy" / "policies" / "nottingham.toml"


def a_draft(*changes: tuple[str, str]) -> str:
    """The policy in force as its next version, with changes of its text."""
    text = FILE.read_text(encoding="utf-8")
    for before, after in (("version = 3\n", "version = 4\n"), *changes):
        assert before in text
        text = text.replace(before, after, 1)
    return text


@pytest.fixture
def manager(desk: Desk, system: System) -> Person:
    return desk.sit_down(MANAGER)


def test_the_team_reads_the_policy_in_words(desk: Desk, system: System) -> None:
    worker = desk.sit_down(WORKER)
    worker.opens("/staff")
    worker.page.get_by_role("link", name="Policy").click()
    worker.reads("Policy in force")
    worker.reads("Not signed off")
    expect(worker.row("Hyson Green & Arboretum")).to_contain_text("1 September 2022")
    worker.does_not_read("Send in a draft")
    worker.follows("nottingham, version 3")
    worker.reads("Priority")


def test_every_mistake_of_a_draft_is_listed_and_its_text_kept(manager: Person) -> None:
    manager.opens("/staff/policy")
    manager.presses("Send in a draft")
    wrong = a_draft(("grace_days = 28", 'grace_days = "soon"'), ("young_baby_months = 6", "young_baby_years = 6"))
    manager.fills("Or paste the text here", wrong)
    manager.presses("Send in the draft")
    manager.reads("There is a problem")
    mistakes = " ".join(manager.texts(".nhsuk-error-summary li"))
    for member in ("age.grace_days", "priority.young_baby_months", "priority.young_baby_years"):
        assert member in mistakes, mistakes
    assert manager.page.get_by_label("Or paste the text here").input_value().strip() == wrong.strip()


@pytest.mark.parametrize("has_script", [True, False], ids=["script", "no-script"])
def test_a_manager_sees_what_a_draft_would_change_before_it_is_signed_off(
    desk: Desk, system: System, has_script: bool, tmp_path: Path
) -> None:
    manager = desk.sit_down(MANAGER, size=DESKTOP if has_script else PHONE, has_script=has_script)
    file = tmp_path / "draft.toml"
    file.write_text(a_draft(("long_term_domains = 3", "long_term_domains = 2")), encoding="utf-8")
    manager.opens("/staff/policy/drafts/new")
    manager.page.get_by_label("File (TOML, at most 256 KB)").set_input_files(file)
    manager.fills("Note for colleagues (optional)", "Two domains are enough?")
    manager.presses("Send in the draft")
    manager.is_told("The draft is kept. Nothing has changed for families yet.")
    manager.reads("from nottingham, version 3.")
    manager.reads("Two domains are enough?")

    manager.presses("See what would change")
    manager.reads("would be decided differently")
    expect(manager.row("N2").first).to_be_visible()
    manager.follows("Compare other days")
    manager.page.get_by_text("Discard this draft").click()
    manager.presses("Discard the draft")
    manager.is_told("The draft is gone.")


def test_a_worker_sends_no_draft(desk: Desk, system: System) -> None:
    worker = desk.sit_down(WORKER)
    worker.opens("/staff/policy/drafts/new")
    worker.reads("You can't go on from here")
