"""A member of the team comes to the real pages, works, and leaves: with the development identity provider."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Final

import pytest

from shared.access import Role
from tests.signing_in import Browser
from tests.system import System, call

SESSION: Final = "__Host-pir-session"


@pytest.fixture
def person(system: System) -> Iterator[Browser]:
    with Browser(system.url("triage")) as at_work:
        yield at_work


def is_at_sign_in(person: Browser) -> bool:
    return person.page.url.path == "/staff/sign-in"


def test_a_worker_signs_in_looks_and_signs_out(system: System, person: Browser) -> None:
    person.open("/staff")
    assert is_at_sign_in(person)
    person.follow("Sign in with your work account")
    person.send("/authorize", role="triage-worker")
    assert (person.page.url.path, person.page.status_code) == ("/staff", HTTPStatus.OK)
    assert "Tess Whitlock" in person.words

    token = person.cookies[SESSION]
    person.send("/staff/sign-out")
    person.follow("Sign out of your work account")
    assert person.page.url.path == "/staff/signed-out"
    assert person.cookies.get(SESSION) is None

    person.cookies[SESSION] = token
    person.open("/staff")
    assert is_at_sign_in(person)
    assert token not in system.log("triage").read_text()


@pytest.mark.parametrize("role", list(Role))
def test_everybody_signs_in_and_sees_only_what_their_role_may(system: System, person: Browser, role: Role) -> None:
    person.sign_in(role)
    name = system.credentials["staff"][role]["name"]
    assert name in person.words
    person.open("/staff/queues")
    works_with_queues = role in (Role.WORKER, Role.LEAD, Role.MANAGER)
    assert person.page.status_code == (HTTPStatus.OK if works_with_queues else HTTPStatus.FORBIDDEN)
    assert name in person.words


def test_who_signed_in_is_a_colleague_and_in_the_audit_trail(system: System, person: Browser) -> None:
    person.sign_in(Role.LEAD)
    assert system.query("SELECT FROM triage.colleague WHERE id = 'dev-triage-lead' AND name = 'Leonie Marsh'")
    assert system.query("SELECT FROM triage.audit WHERE action = 'staff.signed-in' AND actor_id = 'dev-triage-lead'")


def test_a_bearer_token_opens_no_page_and_a_session_no_call(system: System, person: Browser) -> None:
    """Or a page of another site could use the cookie where no form token is asked for."""
    person.sign_in()
    assert person.ask("GET", "/queues").status_code == HTTPStatus.UNAUTHORIZED
    with_token = call("GET", f"{system.url('triage')}/staff", token=system.staff_token())
    assert with_token.status == HTTPStatus.SEE_OTHER


def test_a_form_of_somebody_else_is_refused(system: System, person: Browser) -> None:
    person.sign_in()
    with Browser(system.url("triage")) as another:
        another.sign_in(Role.LEAD)
        another.page = person.page
        assert another.send("/staff/sign-out").status_code == HTTPStatus.FORBIDDEN
        assert another.open("/staff").status_code == HTTPStatus.OK
