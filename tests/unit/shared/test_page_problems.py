"""Problems on a page, and the files that pages name."""

import gzip
import re
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.exceptions import HTTPException

from shared import problems
from shared.pages import Pages
from shared.pages.assets import FOLDER, Assets
from shared.pages.outcomes import TROUBLES
from shared.problems import CATALOGUE, Problem
from tests.rendering import Page, a_request, client_of, shown, some_pages

STAMP = Assets().stamp
STYLE = f"/static/{STAMP}/pir.css"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Pages:
    return some_pages(tmp_path_factory.mktemp("templates"))


@pytest.fixture(scope="module")
def app(pages: Pages) -> FastAPI:
    app = FastAPI(redirect_slashes=False)
    problems.install(app)
    app.state.pages = pages
    app.include_router(pages.router())

    @app.get("/staff/trouble/{name}")
    @app.get("/trouble/{name}")
    async def trouble(name: str, detail: str = "") -> None:
        raise Problem(name, detail, extra={"state": "accepted"})

    @app.get("/staff/broken")
    async def broken() -> None:
        raise RuntimeError("a name in a message")

    @app.get("/staff/elsewhere")
    async def elsewhere() -> None:
        raise HTTPException(303, headers={"Location": "/staff/sign-in"})

    @app.get("/staff/page/{number}")
    async def numbered(number: int) -> None:
        """Only for its number."""

    return app


@pytest.mark.parametrize("name", CATALOGUE)
async def test_a_problem_on_a_page_is_a_page_and_elsewhere_it_is_for_programs(app: FastAPI, name: str) -> None:
    async with client_of(app) as client:
        page = await client.get(f"/staff/trouble/{name}?done=claimed")
        other = await client.get(f"/trouble/{name}")
    assert page.status_code == other.status_code == CATALOGUE[name][0]
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["cache-control"] == "no-store"
    assert Page(page.text).words("h1")
    assert "urn:pir" not in page.text
    assert "You have taken this on" not in page.text
    assert other.headers["content-type"] == "application/problem+json"
    assert other.headers.get("retry-after") == page.headers.get("retry-after")


def test_problems_that_pages_meet_have_words_of_their_own() -> None:
    of_programs = {
        "idempotency-key-missing",
        "idempotency-key-reused",
        "cursor-unknown",
        "cursor-ended",
        "precondition-failed",
        "not-acceptable",
        "not-published",
        "ended",
    }
    assert set(TROUBLES) >= set(CATALOGUE) - of_programs


async def test_a_step_that_came_too_late_says_how_things_stand(app: FastAPI) -> None:
    async with client_of(app) as client:
        page = await client.get("/staff/trouble/step-not-allowed", params={"detail": "This item is accepted"})
    assert "It stands like this now: Accepted." in page.text


async def test_a_refusal_says_why(app: FastAPI) -> None:
    async with client_of(app) as client:
        page = await client.get("/staff/trouble/forbidden", params={"detail": "This form has run out. <b>"})
    assert "This form has run out. &lt;b&gt;" in page.text
    assert "Your role" not in page.text


async def test_a_failure_and_a_wrong_address_are_pages_too_and_tell_nothing(app: FastAPI) -> None:
    async with client_of(app) as client:
        answers = [await client.get(f"/staff{path}") for path in ("/broken", "/nowhere", "/page/one", "")]
    assert [answer.status_code for answer in answers] == [500, 404, 422, 404]
    assert all("<h1" in answer.text for answer in answers)
    assert "a name in a message" not in answers[0].text


async def test_a_path_that_only_begins_alike_is_for_programs(app: FastAPI) -> None:
    async with client_of(app) as client:
        answer = await client.get("/staffing")
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_redirect_is_no_problem(app: FastAPI) -> None:
    async with client_of(app) as client:
        answer = await client.get("/staff/elsewhere")
    assert (answer.status_code, answer.headers["location"], answer.text) == (303, "/staff/sign-in", "")


async def test_what_a_page_names_is_served_and_kept_for_a_year(app: FastAPI, pages: Pages) -> None:
    page = shown(pages, a_request())
    named = [each["href"] for each in page.all("link")] + [each["src"] for each in page.all("img")]
    async with client_of(app) as client:
        answers = [await client.get(address) for address in named]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert {answer.headers["content-type"] for answer in answers} == {"text/css; charset=utf-8", "image/svg+xml"}
    assert {answer.headers["cache-control"] for answer in answers} == {"public, max-age=31536000, immutable"}


async def test_the_stylesheet_finds_its_pictures_beside_it_and_names_nothing_foreign(app: FastAPI) -> None:
    async with client_of(app) as client:
        style = (await client.get(STYLE)).text
        pictures = set(re.findall(r"url\(\"?([^)\"]+)\"?\)", style))
        found = {(await client.get(f"/static/{STAMP}/{picture}")).status_code for picture in pictures}
    assert pictures
    assert found == {200}
    assert "@font-face" not in style
    assert "@import" not in style
    assert style.startswith("/*! NHS.UK frontend")


async def test_what_a_browser_has_is_not_sent_again(app: FastAPI) -> None:
    async with client_of(app) as client:
        etag = (await client.get(STYLE)).headers["etag"]
        again = await client.get(STYLE, headers={"If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")


async def test_the_stylesheet_travels_packed(app: FastAPI) -> None:
    async with client_of(app) as client:
        plain = await client.get(STYLE, headers={"Accept-Encoding": "identity"})
        async with client.stream("GET", STYLE, headers={"Accept-Encoding": "gzip"}) as answer:
            packed = b"".join([part async for part in answer.aiter_raw()])
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed) == plain.content
    assert len(packed) * 5 < len(plain.content)


async def test_a_page_of_an_older_release_finds_its_stylesheet_but_does_not_keep_it(app: FastAPI) -> None:
    async with client_of(app) as client:
        answer = await client.get("/static/0123456789abcdef/pir.css")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-cache")


@pytest.mark.parametrize("path", ["nothing.css", "../assets.py", "%2e%2e/assets.py", "images", ""])
async def test_only_the_files_of_the_folder_are_served(app: FastAPI, path: str) -> None:
    async with client_of(app) as client:
        assert (await client.get(f"/static/{STAMP}/{path}")).status_code == 404


def test_the_address_changes_with_any_file(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("a{}", encoding="utf-8")
    before = Assets(tmp_path).address("a.css")
    (tmp_path / "b.svg").write_text("<svg/>", encoding="utf-8")
    assert Assets(tmp_path).address("a.css") != before


def test_what_is_built_is_small() -> None:
    assert sum(file.stat().st_size for file in FOLDER.rglob("*.*")) < 500_000
