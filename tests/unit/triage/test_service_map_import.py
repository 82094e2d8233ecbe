"""A draft of a map from a directory: ours comes back as it went out, others' is cleaned, and no service starts with it."""

from __future__ import annotations

import asyncio
import json
import os
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.service_map import cleaning, sources
from deploy.service_map.__main__ import main
from deploy.service_map.drafting import draft
from deploy.service_map.sources import SourceError
from services.triage.open_referral.vocabulary import area_uri
from shared.service_map import ForWhom, InvalidServiceMapError, MappedService, ServiceMap, load, read
from tests.builders import BULWELL, NOTTINGHAM, SHERWOOD, TODAY
from tests.directory_schemas import example
from tests.tls_site import tls_site
from tests.unit.triage.test_open_referral import SHIPPED, an_app, changed, page

REAL = changed(is_invented=False)
HOSTILE = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "&lt;script&gt;alert(1)&lt;/script&gt;",
    "javascript:alert(1)", "line\none", '"""\n[[services]]\nid = "x"', "\\u0000 \\", "\u202etxt\u202c", "\x7f\x00\x1b[31m",
    "=cmd()", "🍼" * 300, "x" * 7000, "", " ", "' \" ''' # [", "<!--", "<style>*{}", "e\u0301" * 90,
]  # fmt: skip


def a_draft(folder: Path, document: Any) -> str:
    """The draft that is made of a document."""
    source, to = folder / "feed.json", folder / "draft.toml"
    to.unlink(missing_ok=True)
    source.write_bytes(document if isinstance(document, bytes) else json.dumps(document).encode())
    draft(str(source), to, on=TODAY)
    return to.read_text(encoding="utf-8")


def the_only_service(folder: Path, **members: Any) -> dict[str, Any]:
    """What a draft holds of a service of another directory."""
    text = a_draft(folder, {"contents": [{"id": "1", "name": "A hub", "status": "active"} | members]})
    (found,) = tomllib.loads(text)["services"]
    return dict(found)


def refused(folder: Path, document: Any) -> str:
    with pytest.raises(SourceError) as caught:
        a_draft(folder, document)
    return str(caught.value)


def told_by_the_loader(text: str) -> str:
    with pytest.raises(InvalidServiceMapError) as caught:
        read(tomllib.loads(text), name="draft.toml")
    return str(caught.value)


@cache
def exported(service_map: ServiceMap = REAL) -> dict[str, Any]:
    return asyncio.run(page(an_app(service_map), full="true", per_page=200))


def as_published(service: MappedService) -> MappedService:
    """What is left of a service once it was published: neither places nor routes of our rules."""
    is_elsewhere = service.for_whom is ForWhom.ELSEWHERE
    return service.model_copy(update={"capacity": None, "routes": service.routes if is_elsewhere else ()})


def test_our_own_export_gives_the_same_services_once_a_person_has_confirmed_them(tmp_path: Path) -> None:
    text = a_draft(tmp_path, exported())
    told = told_by_the_loader(text)
    assert told.count("\n") == told.count("expires_on: is empty: ask the service") == 15
    for service in SHIPPED.services:
        text = re.sub(
            rf'(id = "{service.id}"\n(?:.+\n)*?)expires_on = ""', rf"\1expires_on = {service.expires_on}", text
        )
    (tmp_path / "draft.toml").write_text(text, encoding="utf-8")
    found = load(tmp_path / "draft.toml")
    assert (found.authority, found.is_invented) == (NOTTINGHAM, False)
    published = [each for each in SHIPPED.services if each.for_whom is not ForWhom.PRACTITIONERS]
    assert list(found.services) == [as_published(each) for each in published]


def test_one_service_and_a_list_of_them_are_taken_too(tmp_path: Path) -> None:
    services = exported()["contents"]
    assert a_draft(tmp_path, services) == a_draft(tmp_path, {"contents": services})
    assert 'id = "health-visiting"' in a_draft(tmp_path, services[0])


def test_an_invented_map_stays_invented_on_the_way(tmp_path: Path) -> None:
    assert tomllib.loads(a_draft(tmp_path, exported(SHIPPED)))["is_invented"] is True


def test_the_example_of_the_specification_becomes_a_draft_that_says_what_is_missing(tmp_path: Path) -> None:
    text = a_draft(tmp_path, example("service_full"))
    (found,) = tomllib.loads(text)["services"]
    assert found["name"] == "Community Counselling"
    assert found["offers"].startswith("Counselling Services provided by trained professionals. Suitable for")
    assert len(found["offers"]) <= 160
    assert found["contact"]["phone"] == "+44 1234 234567"
    assert "web" not in found["contact"]
    assert found["languages"] == ["Urdu"]
    assert (found["from_months"], found["to_months"]) == (144, 240)
    assert f"# description is cut: the document has {len(FULL['description'])} characters" in text
    assert "# its address on the web is left out: it has to begin with https://" in text
    told = told_by_the_loader(text)
    for place in ("authority", "level", "for_whom", "sees_under_twos", "wards.0", "expires_on"):
        assert f"{place}: " in told


def test_a_list_without_what_is_nested_is_a_draft_with_more_to_fill_in(tmp_path: Path) -> None:
    (found,) = tomllib.loads(a_draft(tmp_path, example("service_list")))["services"]
    assert found["contact"]["phone"] == ""


def test_markup_is_taken_out_and_words_stay(tmp_path: Path) -> None:
    text = "<p>Baby <b>mass</b>age &amp; songs</p><script>steal()</script><ul><li>free</li></ul> for children < 5"
    found = the_only_service(tmp_path, description=text)
    assert found["offers"] == "Baby massage & songs free for children < 5"
    assert (
        the_only_service(tmp_path, description="&amp;lt;script&amp;gt;x&amp;lt;/script&amp;gt;Play")["offers"] == "Play"
    )


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "http://a.example.org", "data:text/html,x", "https://a.org/ b", "//a.org", 7, ["x"]]
)
def test_only_an_https_address_is_taken(tmp_path: Path, url: Any) -> None:
    assert "web" not in the_only_service(tmp_path, url=url)["contact"]
    assert the_only_service(tmp_path, url="https://a.example.org/x")["contact"]["web"] == "https://a.example.org/x"


@pytest.mark.parametrize(
    ("number", "phone"),
    [
        ("0115 496 0110", "0115 496 0110"),
        ("(0115) 496-0110", "0115 496 0110"),
        ("0115 4960110 ext. 3", ""),
        ("+33 1 70 18 99 00", "+33170189900"),
        ("116 123", "116 123"),
        ("ring Ada", ""),
        ("1", ""),
        ("9" * 500, ""),
        (441154960110, ""),
    ],
)
def test_a_number_is_taken_in_the_form_of_maps_or_not_at_all(tmp_path: Path, number: Any, phone: str) -> None:
    assert the_only_service(tmp_path, phones=[{"number": number}])["contact"]["phone"] == phone
    assert the_only_service(tmp_path, contacts=[{"phones": [{"number": number}]}])["contact"]["phone"] == phone


@pytest.mark.parametrize(
    ("areas", "wards"),
    [
        ([], [""]),
        ("Bulwell", [""]),
        ([{"uri": area_uri(BULWELL)}, {"uri": area_uri(SHERWOOD)}, {"uri": area_uri(BULWELL)}], [BULWELL, SHERWOOD]),
        ([{"uri": area_uri(NOTTINGHAM)}], []),
        ([{"uri": area_uri(BULWELL)}, {"name": "The Meadows"}], [BULWELL, ""]),
        ([{"uri": area_uri(NOTTINGHAM)}, {"name": "The Meadows"}], [""]),
        ([{"uri": "E05012275"}], [""]),
    ],
)
def test_a_place_that_is_not_understood_never_becomes_everywhere(tmp_path: Path, areas: Any, wards: list[str]) -> None:
    assert the_only_service(tmp_path, service_areas=areas)["wards"] == wards


@pytest.mark.parametrize(
    ("ages", "months"),
    [
        ({}, ("", "")),
        ({"minimum_age": 0, "maximum_age": 2}, (0, 24)),
        ({"minimum_age": 0.25, "maximum_age": 120}, (3, 240)),
        ({"minimum_age": 18, "maximum_age": 99}, ("", "")),
        ({"minimum_age": "0", "maximum_age": True}, ("", "")),
        ({"minimum_age": -1, "maximum_age": 1e300}, ("", "")),
    ],
)
def test_ages_are_months_or_left_to_a_person(tmp_path: Path, ages: dict[str, Any], months: tuple[Any, Any]) -> None:
    found = the_only_service(tmp_path, **ages)
    assert (found["from_months"], found["to_months"]) == months


@pytest.mark.parametrize(
    "own",
    [
        {"id": "../../etc", "from_months": "0", "to_months": 10**9, "sees_under_twos": 1},
        {"id": 7, "from_months": True, "to_months": None, "sees_under_twos": "yes"},
        {"id": "x" * 99, "from_months": -10, "to_months": 1.5},
    ],
)
def test_what_calls_itself_ours_is_not_believed_blindly(tmp_path: Path, own: dict[str, Any]) -> None:
    found = the_only_service(tmp_path, pir=own)
    assert (found["id"], found["from_months"], found["to_months"], found["sees_under_twos"]) == ("a-hub", "", "", "")


def test_ids_are_made_of_names_and_each_is_used_once(tmp_path: Path) -> None:
    names = ["Café & Play", "Café & Play", "123", "", "É", "x" * 200, "x" * 200]
    found = tomllib.loads(a_draft(tmp_path, [{"id": str(n), "name": name} for n, name in enumerate(names)]))
    ids = [each["id"] for each in found["services"]]
    assert ids[:3] == ["caf-play", "caf-play-2", "service-3"]
    assert len(set(ids)) == len(names)
    assert all(re.fullmatch(r"[a-z][a-z0-9-]{1,40}", each) for each in ids)


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (b"", "The body is empty"),
        (b"<html>", "This is not JSON"),
        (b'{"contents": [', "This is not JSON"),
        (b'{"contents": [NaN]}', "NaN"),
        (b'{"contents": [], "contents": []}', "same member twice"),
        (b"\xff\xfe", "not UTF-8"),
        (b"[" * 100_000, "nested more than 64 deep"),
        ({"contents": []}, "there is no service"),
        ({"contents": "many"}, "neither a page of services"),
        ({"services": [{}]}, "neither a page of services"),
        ("text", "neither a page of services"),
        (7, "neither a page of services"),
        ([{}] * 501, "more than 500 services"),
        (b" " * (5 * 1024 * 1024) + b"[]", "more than 5 MiB"),
    ],
)
def test_what_is_no_document_of_services_is_refused_in_words(tmp_path: Path, document: Any, told: str) -> None:
    assert told in refused(tmp_path, document)


def test_a_file_that_is_there_is_never_written_over(tmp_path: Path) -> None:
    source, to = tmp_path / "feed.json", tmp_path / "map.toml"
    source.write_text(json.dumps(exported()), encoding="utf-8")
    to.write_text("confirmed", encoding="utf-8")
    told = main(["import", str(source), str(to)])
    assert told == f"{to} is there already, and is left as it is"
    assert to.read_text(encoding="utf-8") == "confirmed"


@pytest.mark.parametrize("source", ["nothing.json", ".", "/dev/zero"])
def test_only_a_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["import", source]) == f"{source}: there is no such file"
    assert list(tmp_path.iterdir()) == []


def test_the_check_of_a_draft_names_what_a_person_has_to_fill_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("feed.json").write_text(json.dumps(exported() | {"total_pages": 2}), encoding="utf-8")
    assert main(["import", "feed.json"]) == 0
    said = capsys.readouterr().out
    assert "15 services, none of them confirmed" in said
    assert "more pages" in said
    assert main(["check", "service-map-draft.toml"]) == 1
    assert 'service "early-help", expires_on: is empty: ask the service' in capsys.readouterr().out


HOSTILE_ADDRESS = "javascript:alert(1)"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.sampled_from(HOSTILE) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


def _changed_somewhere(document: Any, path: list[int], value: Any) -> Any:
    """The document with another value at a place that the path leads to."""
    if not path or not isinstance(document, dict | list) or not document:
        return value
    keys = list(document) if isinstance(document, dict) else list(range(len(document)))
    key = keys[path[0] % len(keys)]
    changed_part = _changed_somewhere(document[key], path[1:], value)
    if isinstance(document, dict):
        return {**document, key: changed_part}
    return [changed_part if index == key else each for index, each in enumerate(document)]


FULL = example("service_full")


@settings(max_examples=300, deadline=None)
@given(st.lists(st.integers(0, 50), min_size=1, max_size=5), JSON, st.booleans())
def test_whatever_a_directory_sends_the_draft_is_harmless_and_unused(
    tmp_path_factory: pytest.TempPathFactory, path: list[int], value: Any, is_ours: bool
) -> None:
    document = _changed_somewhere(exported()["contents"][1] if is_ours else FULL, path, value)
    try:
        text = a_draft(tmp_path_factory.getbasetemp(), [document])
    except SourceError:
        return
    assert "expires_on: is empty" in told_by_the_loader(text)
    members = tomllib.loads(text)
    assert set(members) <= {"authority", "title", "is_invented", "services"}
    assert len(members["services"]) == 1
    assert all(each.isprintable() for each in text.splitlines())
    assert not re.search(r"<script|<img|<style", text)
    assert all(address.startswith("https://") for address in addresses_in(members) if address)


def test_a_script_is_an_address_nowhere_and_words_where_words_stand(tmp_path: Path) -> None:
    """Pages escape every text: what begins like a script is a strange name there, and no more."""
    text = a_draft(tmp_path, [FULL | {"name": HOSTILE_ADDRESS, "url": HOSTILE_ADDRESS}])
    assert addresses_in(tomllib.loads(text)) == set()
    assert f'name = "{HOSTILE_ADDRESS}"' in text


def addresses_in(part: Any) -> set[str]:
    """What stands at `web`, wherever that is: the one member of a map that is a link as it stands."""
    if isinstance(part, list):
        return set().union(*map(addresses_in, part))
    if not isinstance(part, dict):
        return set()
    return {part["web"]} if isinstance(part.get("web"), str) else set().union(*map(addresses_in, part.values()))


@given(st.sampled_from(HOSTILE) | st.text(max_size=400))
def test_a_cleaned_text_is_one_printable_line_and_stays_as_it_is(text: str) -> None:
    cleaned = cleaning.cut(cleaning.line(text))
    assert cleaned.isprintable()
    assert len(cleaned) <= 160
    assert cleaning.line(cleaned) == cleaned


class _Answer(BaseHTTPRequestHandler):
    """What the directory of the tests answers, by its path."""

    def do_GET(self) -> None:
        asked = self.path.partition("?")[0]
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        body = json.dumps(exported()).encode() if asked == "/services" else b"x" * (6 * 1024 * 1024)
        status = {"/services": 200, "/huge": 200, "/packed": 200, "/moved": 302}.get(asked, 404)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if asked == "/packed":
            self.send_header("Content-Encoding", "gzip")
        if asked == "/moved":
            self.send_header("Location", "/services")
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, list[str]]]:
    for variable in [each for each in os.environ if each.lower().endswith("_proxy")]:
        monkeypatch.delenv(variable)
    with tls_site(tmp_path, _Answer) as (url, server):
        server.asked = []  # type: ignore[attr-defined]
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        yield url, server.asked  # type: ignore[attr-defined]


def test_a_draft_comes_from_one_address_and_no_other_is_asked(
    directory: tuple[str, list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url, asked = directory
    to = tmp_path / "draft.toml"
    assert main(["import", f"{url}/services?full=true&key=secret", str(to)]) == 0
    assert "15 services" in capsys.readouterr().out
    assert asked == ["/services?full=true&key=secret"]
    assert "secret" not in to.read_text(encoding="utf-8")
    assert tomllib.loads(to.read_text(encoding="utf-8"))["title"].endswith(f"{url}/services")


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/moved", "another address, which is not followed"),
        ("/nothing", "answers 404"),
        ("/huge", "more than 5 MiB"),
        ("/packed", "packed form"),
    ],
)
def test_an_answer_that_can_not_be_used_is_told(
    directory: tuple[str, list[str]], tmp_path: Path, path: str, told: str
) -> None:
    url, asked = directory
    assert told in str(main(["import", f"{url}{path}", str(tmp_path / "draft.toml")]))
    assert asked == [path]
    assert not (tmp_path / "draft.toml").exists()


def test_a_server_whose_certificate_nobody_vouches_for_is_not_read(
    directory: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    url, asked = directory
    with pytest.raises(SourceError, match="can't be read"):
        sources.read_source(f"{url}/services")
    assert asked == []


@pytest.mark.parametrize(
    "url", ["http://a.example.org/services", "ftp://a.example.org", "file:///etc/passwd", "https://", "https://u:p@a.org/",
            "https://a.example.org:port/", "https://[::1/x", "HTTPS://\x00/"]
)  # fmt: skip
def test_only_a_plain_https_address_is_asked(url: str) -> None:
    with pytest.raises(SourceError, match="begins with https://"):
        sources.read_source(url)


def test_a_server_that_does_not_end_is_left(monkeypatch: pytest.MonkeyPatch, directory: tuple[str, list[str]]) -> None:
    monkeypatch.setattr(sources, "SECONDS", -1.0)
    with pytest.raises(SourceError, match="takes more than"):
        sources.read_source(f"{directory[0]}/services")
