"""The frame of the pages: what every page has, whoever looks at it and whatever is written into it."""

from pathlib import Path

import pytest

from shared.access import Role
from shared.pages import Pages
from shared.pages.outcomes import DONE
from tests.rendering import HOSTILE, a_page, a_request, shown, some_pages, text_of

OURS = (
    '{% from "parts.html" import hidden_csrf, button_form with context %}'
    '{% from "parts.html" import when, due, tag_for_urgency, tag_for_state, marks_list, next_page %}'
)
PARTS = {
    "when": "when(none, now, hostile)",
    "due": "due('2026-06-15', now) ~ hostile",
    "tag_for_urgency": "tag_for_urgency(hostile)",
    "tag_for_state": "tag_for_state(hostile)",
    "marks_list": "marks_list([hostile])",
    "hidden_csrf": "hidden_csrf() ~ hostile",
    "button_form": "button_form(hostile, hostile, hostile)",
    "next_page": "next_page(hostile)",
}
THEIRS = {
    "back-link": 'backLink({"text": hostile, "href": hostile})',
    "breadcrumb": 'breadcrumb({"items": [{"text": hostile, "href": hostile}], "text": hostile, "href": hostile})',
    "button": 'button({"text": hostile, "name": hostile, "value": hostile, "attributes": {"title": hostile}})',
    "card": 'card({"heading": hostile, "description": hostile, "href": hostile})',
    "checkboxes": 'checkboxes({"name": "c", "fieldset": {"legend": {"text": hostile}}, "items": [{"value": hostile, "text": hostile, "hint": {"text": hostile}}], "errorMessage": {"text": hostile}})',
    "date-input": 'dateInput({"id": "d", "fieldset": {"legend": {"text": hostile}}, "values": {"day": hostile}, "hint": {"text": hostile}})',
    "details": 'details({"summaryText": hostile, "text": hostile})',
    "input": 'input({"name": "i", "label": {"text": hostile}, "value": hostile, "hint": {"text": hostile}, "errorMessage": {"text": hostile}})',
    "inset-text": 'insetText({"text": hostile})',
    "pagination": 'pagination({"nextUrl": hostile, "nextPage": hostile, "previousUrl": hostile, "previousPage": hostile})',
    "radios": 'radios({"name": "r", "fieldset": {"legend": {"text": hostile}}, "items": [{"value": hostile, "text": hostile}], "value": hostile})',
    "select": 'select({"name": "s", "label": {"text": hostile}, "items": [{"value": hostile, "text": hostile}]})',
    "summary-list": 'summaryList({"rows": [{"key": {"text": hostile}, "value": {"text": hostile}}]})',
    "tables": 'table({"caption": hostile, "head": [{"text": hostile}], "rows": [[{"text": hostile}]]})',
    "tag": 'tag({"text": hostile})',
    "textarea": 'textarea({"name": "t", "label": {"text": hostile}, "value": hostile})',
    "warning-callout": 'warningCallout({"heading": hostile, "text": hostile})',
}


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Pages:
    ours = {f"ours-{part}": a_page(f"{{{{ {call} }}}}", OURS) for part, call in PARTS.items()}
    theirs = {component: a_page(f"{{{{ {call} }}}}", takes(component)) for component, call in THEIRS.items()}
    return some_pages(tmp_path_factory.mktemp("templates"), **ours, **theirs)


def takes(*components: str) -> str:
    paths = {name: THEIRS[name].partition("(")[0] for name in components}
    return "".join(
        f'{{% from "nhsuk/components/{name}/macro.jinja" import {macro} %}}' for name, macro in paths.items()
    )


@pytest.mark.parametrize("template", [*(f"ours-{part}" for part in PARTS), *THEIRS])
def test_parts_and_components_escape_what_is_written_into_them(pages: Pages, template: str) -> None:
    page = shown(pages, a_request(), f"{template}.html", hostile=HOSTILE, now="2026-06-15T13:05:00Z")
    assert page.is_harmless
    assert "{{ 7 * 7 }}" in page.words() + str(page.elements)


def test_the_layout_escapes_names_and_mistakes(pages: Pages) -> None:
    page = shown(pages, a_request(name=HOSTILE), errors=[{"text": HOSTILE, "href": "#reason"}])
    assert page.is_harmless
    assert page.words().count("<script>") == 2


def test_lines_in_a_text_area_stay_as_they_were_written(tmp_path: Path) -> None:
    """Inside other components too, which indent what they hold."""
    area = '{% set area %}{{ textarea({"name": "note", "label": {"text": "Note"}, "value": written}) }}{% endset %}'
    radios = '{{ radios({"name": "r", "items": [{"value": "1", "text": "One", "conditional": {"html": area}}]}) }}'
    pages = some_pages(tmp_path, form=a_page(area + radios, takes("textarea", "radios")))
    assert ">one\n  two\n\nthree</textarea>" in text_of(pages, a_request(), "form.html", written="one\n  two\n\nthree")


def test_a_page_with_mistakes_says_so_first_in_its_title_and_links_to_each(pages: Pages) -> None:
    page = shown(pages, a_request(), errors=[{"text": "Choose a reason", "href": "#reason"}])
    assert page.words("title") == "Error: A page – Referrals"
    assert {"href": "#reason"} in page.all("a")
    assert shown(pages, a_request()).words("title") == "A page – Referrals"


@pytest.mark.parametrize("what", [{"query": "done=claimed"}, {}])
def test_what_needs_attention_gets_the_focus_without_a_script(pages: Pages, what: dict[str, str]) -> None:
    errors = [] if what else [{"text": "Choose", "href": "#a"}]
    page = shown(pages, a_request(**what), errors=errors)
    assert [each["tabindex"] for _, each in page.elements if "autofocus" in each] == ["-1"]


@pytest.mark.parametrize(
    ("role", "links"),
    [
        (Role.WORKER, ["/staff", "/staff/queues", "/staff/queues/all"]),
        (Role.OPERATIONS, ["/staff/parked"]),
        (Role.COMMISSIONER, []),
        (None, []),
    ],
)
def test_the_navigation_holds_what_the_visitor_may_open(pages: Pages, role: Role | None, links: list[str]) -> None:
    page = shown(pages, a_request(role=role))
    assert [link["href"] for link in page.all("a") if "navigation-link" in link.get("class", "")] == links


@pytest.mark.parametrize(
    ("path", "marked"),
    [
        ("/staff", {"/staff": "page"}),
        ("/staff/queues/all", {"/staff/queues/all": "page"}),
        ("/staff/queues/mash", {"/staff/queues": "true"}),
        ("/staff/queuesandmore", {}),
        ("/staff/items/1", {}),
    ],
)
def test_the_navigation_marks_where_one_is(pages: Pages, path: str, marked: dict[str, str]) -> None:
    page = shown(pages, a_request(path))
    assert {each["href"]: each["aria-current"] for each in page.all("a") if "aria-current" in each} == marked


def test_who_is_signed_in_can_sign_out_by_a_form_with_their_token(pages: Pages) -> None:
    page = shown(pages, a_request(name="Maya Osei"))
    assert {"action": "/staff/sign-out", "method": "post"}.items() <= page.all("form")[0].items()
    assert {"type": "hidden", "name": "csrf", "value": "the-token"} in page.all("input")
    assert "Maya Osei, triage worker" in page.words("header")


def test_nobody_signed_in_has_nothing_to_sign_out_of(pages: Pages) -> None:
    assert shown(pages, a_request(role=None)).all("form") == []


@pytest.mark.parametrize("code", DONE)
def test_what_was_done_is_said_in_words(pages: Pages, code: str) -> None:
    page = shown(pages, a_request(query=f"done={code}"))
    assert DONE[code] in page.words("main")
    assert [each for _, each in page.elements if each.get("role") == "alert"]


@pytest.mark.parametrize("query", ["done=You+won", "done=", "done=%3Cscript%3E", "other=claimed"])
def test_words_of_an_address_are_never_shown(pages: Pages, query: str) -> None:
    assert shown(pages, a_request(query=query)).words("main") == "A page"


def test_every_page_is_complete_and_has_no_script_and_no_style_of_its_own(tmp_path: Path) -> None:
    page = shown(some_pages(tmp_path, is_development=True), a_request(query="done=claimed"))
    assert page.is_harmless
    assert page.all("html")[0]["lang"] == "en-GB"
    assert len(page.all("h1")) == len(page.all("main")) == len(page.all("title")) == 1
    assert page.all("a")[0]["href"] == "#" + page.all("main")[0]["id"]
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert "invented" in page.words()


def test_a_live_system_does_not_call_its_families_invented(pages: Pages) -> None:
    assert "invented" not in shown(pages, a_request()).words()


def test_no_cache_keeps_a_page_and_nothing_foreign_gets_in(pages: Pages) -> None:
    headers = pages.render(a_request(), "page.html").headers
    assert headers["cache-control"] == "no-store"
    policy = dict(each.strip().partition(" ")[::2] for each in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["form-action"] == policy["style-src"] == policy["img-src"] == "'self'"
    assert "script-src" not in policy


def test_the_logo_of_the_nhs_is_not_ours_to_show(pages: Pages) -> None:
    page = text_of(pages, a_request())
    assert "nhsuk-header__logo" not in page
    assert "NHS" not in page


def test_every_template_compiles(pages: Pages) -> None:
    pages.compile()


def test_a_template_that_names_a_file_which_is_not_there_fails_at_once(tmp_path: Path) -> None:
    pages = some_pages(tmp_path, wrong=a_page("{{ static('nothing.png') }}"))
    with pytest.raises(LookupError):
        pages.render(a_request(), "wrong.html")
