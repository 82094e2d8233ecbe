"""The boxes of the referral form in HTML: named as in the document, labelled, and described by hints and mistakes."""

from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from services.referral.front import form_pages
from services.referral.front.filling import errors_of, read_page, titles_of, values_of
from services.referral.front.form import FormPage
from services.referral.front.form_pages import PAGES, pages_for
from shared.pages.environment import environment
from tests.front_documents import NOW, meaning, page, scenario_documents
from tests.unit.referral.test_intake_inputs import a_document

PAGE = environment(Path(form_pages.__file__).parent / "templates", reloads=False).from_string(
    '{% from "fields.html" import fields_of with context %}<form method="post">{{ fields_of(page, values, errors, titles) }}</form>'
)


class Browser(HTMLParser):
    """Reads a form as a browser does: what it would send, and which ids, labels and descriptions there are."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.sent: dict[str, list[str]] = {}
        self.ids: list[str] = []
        self.asked: list[dict[str, str | None]] = []
        self.labels: list[str | None] = []
        self.described: list[str] = []
        self.buttons: list[dict[str, str | None]] = []
        self.text = ""
        self._area = self._select = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.ids += [given["id"] or ""] if "id" in given else []
        self.described += (given.get("aria-describedby") or "").split()
        if tag == "label":
            self.labels.append(given.get("for"))
        if tag == "button":
            self.buttons.append(given)
        if tag in {"input", "textarea", "select"}:
            self.asked.append(given)
            name = given["name"] or ""
            if tag != "input":
                self.sent[name] = [""]
                self._area, self._select = (name, "") if tag == "textarea" else ("", name)
            elif given["type"] not in {"radio", "checkbox"} or "checked" in given:
                self.sent.setdefault(name, []).append(given.get("value") or "")
        if tag == "option" and "selected" in given:
            self.sent[self._select] = [given["value"] or ""]

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self.sent[self._area] = [self.sent[self._area][0].removeprefix("\n")]
            self._area = ""

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._area:
            self.sent[self._area][0] += data


def shown(each: FormPage, document: dict[str, Any], errors: Mapping[str, str] | None = None) -> Browser:
    titles = titles_of(each, document)
    return Browser(PAGE.render(page=each, values=values_of(each, document), errors=errors or {}, titles=titles))


SAMPLES = scenario_documents() | {"the sample": a_document(), "nothing": {}}


@pytest.mark.parametrize("name", SAMPLES)
def test_what_the_browser_sends_back_is_the_document(name: str) -> None:
    document, read = SAMPLES[name], {}
    for each in pages_for(document):
        read = read_page(each, read, shown(each, document).sent)
    assert meaning(read) == meaning(document)


@pytest.mark.parametrize("each", PAGES, ids=lambda each: each.slug)
def test_every_box_has_a_name_of_the_document_an_id_a_label_and_what_describes_it(each: FormPage) -> None:
    document = a_document()
    names = values_of(each, document)
    html = shown(each, document, dict.fromkeys(names, "A mistake"))
    assert {box["name"] for box in html.asked} == set(names)
    assert {box["id"] for box in html.asked} <= set(html.labels)
    assert {name.replace(".", "-") for name in names} <= set(html.ids)
    assert len(set(html.ids)) == len(html.ids)
    assert set(html.described) <= set(html.ids)
    assert html.text.count("A mistake") == len(names)
    assert {f"{name.replace('.', '-')}-error" for name in names} <= set(html.ids)


@pytest.mark.parametrize("each", PAGES, ids=lambda each: each.slug)
def test_only_what_may_be_left_out_is_called_optional(each: FormPage) -> None:
    html = shown(each, {})
    assert html.text.count("(optional)") == sum(field.is_optional for field in each.fields)


def test_hostile_text_is_shown_and_not_run() -> None:
    hostile = '"><script>alert(1)</script>\n{{ 7 * 7 }}</textarea>'
    document = {"notes": hostile, "babies": [{"given_name": hostile}], "caregivers": [{"given_name": hostile}]}
    for slug in ("words", "babies", "carers", "contact", "you"):
        each = page(slug, document)
        rendered = PAGE.render(page=each, values=values_of(each, document), errors={}, titles=titles_of(each, document))
        assert "<script" not in rendered
        assert "49" not in rendered
    assert shown(page("words"), document).sent["notes"] == [hostile]


@pytest.mark.parametrize("notes", ["\nAfter a blank line", "\n\n\n", "One\n\ntwo\n", " ends "])
def test_line_ends_of_notes_come_back(notes: str) -> None:
    assert shown(page("words"), {"notes": notes}).sent["notes"] == [notes]


def test_a_language_that_is_not_offered_is_kept() -> None:
    document = {"caregivers": [{"preferred_language": "pt-BR"}]}
    assert shown(page("language"), document).sent["caregivers.0.preferred_language"] == ["pt-BR"]


def test_a_mistyped_day_is_shown_again_beside_its_mistake() -> None:
    document = read_page(page("babies"), {}, {"babies.0.due_on": ["32 1 2026"]})
    mistakes = {error.pointer: error.detail for error in errors_of(page("babies"), document, now=NOW)}
    html = shown(page("babies"), document, mistakes)
    assert html.sent["babies.0.due_on"] == ["32 1 2026"]
    assert (
        "Baby 1: Due date. Enter a day that there is, the year with all four digits, for example 12 3 2026" in html.text
    )


class TestButtons:
    def test_one_is_removed_only_where_there_are_two(self) -> None:
        assert [button.get("name") for button in shown(page("babies"), {}).buttons] == [None, "add"]
        two = shown(page("babies"), {"babies": [{"given_name": "Robin"}, {}]})
        assert [(button.get("name"), button.get("value")) for button in two.buttons] == [
            (None, None), ("remove", "0"), ("remove", "1"), ("add", "1"),
        ]  # fmt: skip
        assert "Remove baby 2" in two.text

    def test_enter_in_a_box_never_removes_anybody(self) -> None:
        html = shown(page("carers"), a_document())
        assert html.buttons[0].get("name") is None
        assert (html.buttons[0]["tabindex"], html.buttons[0]["aria-hidden"]) == ("-1", "true")

    def test_other_pages_have_none(self) -> None:
        assert all(not shown(each, a_document()).buttons for each in PAGES if not each.can_add)


def test_each_carer_is_called_by_name_where_the_names_are_not_asked() -> None:
    assert "Carer 1: Sana Shah" in shown(page("contact"), a_document()).text
    assert "Carer 2" in shown(page("contact"), {"caregivers": [{}, {}]}).text


def test_whose_service_it_is_stands_folded_until_something_is_in_it() -> None:
    folded = PAGE.render(page=page("you"), values=values_of(page("you"), {}), errors={}, titles={})
    filled = PAGE.render(page=page("you"), values=values_of(page("you"), {"source": "A2"}), errors={}, titles={})
    assert '<details class="nhsuk-details">' in folded
    assert '<details class="nhsuk-details" open>' in filled
