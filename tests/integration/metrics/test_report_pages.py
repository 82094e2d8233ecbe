"""The published reports as people and programs get them: who may, in which form, which version, and before the first."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any

import httpx
import openpyxl
import pytest
import sqlalchemy as sa

from services.metrics import tables
from services.metrics.coded.mapping import COLUMNS
from services.metrics.reports.model import Change, ReportKind, Verdict
from services.metrics.reports.publishing import Waits
from services.metrics.reports.store import ReportStore, latest
from services.metrics.settings import Settings
from services.metrics.spans import read_month
from shared.access import PERMISSIONS, Permission, Role
from shared.database import create_engine
from tests.integration.report_site import NOW, TRIAGE, Site, a_site, publish
from tests.integration.room import read, title_of
from tests.integration.support import statements
from tests.integration.triage.test_reading import is_prose
from tests.reading import grade, texts_of
from tests.rendering import Page
from tests.unit.metrics.report_examples import (
    a_contract_report,
    a_heading,
    a_need_report,
    a_share,
    an_equality_report,
    some_months,
)

READERS = PERMISSIONS[Permission.READ_REPORTS]
JUNE = "/reports/contract?month=2026-06"
RUNNING = "month=2026-09"
COMES = "Not published yet: it will be on Wednesday 7 October 2026."
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PAGES = (
    "/staff",
    "/staff/kpis",
    "/staff/kpis/decided_in_time",
    "/staff/equality",
    "/staff/need",
    "/staff/reports",
    "/staff/reports/2026-06",
    "/staff/reports/2026-06/one-page",
    "/staff/about",
)


@pytest.fixture
async def engine(settings: dict[str, Any]) -> AsyncIterator[Any]:
    made = create_engine(Settings(**settings), tables.SCHEMA)
    yield made
    await made.dispose()


@pytest.fixture
async def empty(engine: Any) -> AsyncIterator[Site]:
    """Before anything is published."""
    async with a_site(engine) as site:
        yield site


@pytest.fixture
async def site(engine: Any) -> AsyncIterator[Site]:
    """13 months, the last in two versions; one half-year, one year."""
    *months, _ = some_months()
    june = a_contract_report(heading=a_heading(version=1, changes=(), published_at=datetime(2026, 7, 7, 6, tzinfo=UTC)))
    await publish(engine, *months, june, a_contract_report(), an_equality_report(), a_need_report())
    async with a_site(engine) as found:
        yield found


# Who may.


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_opens_for_those_who_read_reports_and_nobody_else(site: Site, path: str) -> None:
    for role in Role:
        assert (await site.open(path, role)).status_code == (200 if role in READERS else 403), role


async def test_everybody_sees_the_same_figures(site: Site) -> None:
    for path in PAGES:
        assert len({read(await site.see(path, role)) for role in READERS}) == 1, path


async def test_without_a_session_the_way_leads_to_the_sign_in_and_back(site: Site) -> None:
    answer = await site.http.get("/staff/equality?period=2026-03--2026-08")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/staff/sign-in?next=/staff/equality%3Fperiod%3D2026-03--2026-08"


async def test_a_worker_is_shown_the_way_to_their_own_pages(site: Site) -> None:
    page = await site.see("/staff", Role.WORKER, status=403)
    assert "Reports are not part of your role" in read(page)
    assert f'href="{TRIAGE}/staff"' in page.partition("<main")[2]


async def test_operations_are_told_whom_to_ask(site: Site) -> None:
    page = await site.see("/staff/kpis", Role.OPERATIONS, status=403)
    assert "ask your team lead" in read(page)
    assert TRIAGE not in page


@pytest.mark.parametrize(("role", "leads_there"), [(Role.LEAD, True), (Role.MANAGER, True), (Role.COMMISSIONER, False)])
async def test_the_menu_leads_to_the_referrals_for_those_who_may_see_them(
    site: Site, role: Role, leads_there: bool
) -> None:
    assert (f'href="{TRIAGE}/staff"' in await site.see("/staff", role)) is leads_there


@pytest.mark.parametrize(
    "path", ["/reports", JUNE, "/reports/contract.csv?month=2026-06", "/reports/equality", "/reports/need.json"]
)
async def test_the_api_asks_for_a_token_of_somebody_who_reads_reports(site: Site, path: str) -> None:
    assert (await site.http.get(path)).status_code == 401
    for role in Role:
        assert (await site.ask(path, role)).status_code == (200 if role in READERS else 403), role


async def readings(engine: Any) -> list[tuple[Any, ...]]:
    async with engine.connect() as tx:
        rows = await tx.execute(sa.text("SELECT actor_id, detail FROM audit WHERE action = 'report.read' ORDER BY id"))
        return [tuple(row) for row in rows]


@pytest.mark.parametrize(
    ("path", "written"),
    [
        ("/staff", "/staff"),
        ("/staff/kpis/decided_in_time", "/staff/kpis/{code}"),
        ("/staff/equality?period=2026-03--2026-08", "/staff/equality?period=2026-03--2026-08"),
        ("/staff/reports", "/staff/reports"),
        ("/staff/reports/2026-06?version=1", "/staff/reports/2026-06?version=1"),
        ("/staff/reports/2026-06.csv", "/staff/reports/2026-06.csv"),
        ("/staff/reports/2026-06/one-page", "/staff/reports/2026-06/one-page"),
        ("/staff/reports/Mallory?period=Mallory&x=2026-06", "/staff/reports/{month}"),
    ],
)
async def test_whoever_reads_figures_is_in_the_audit_trail(site: Site, engine: Any, path: str, written: str) -> None:
    await site.open(path, Role.MANAGER)
    assert await readings(engine) == [("dev-manager", written)]


async def test_whoever_reads_figures_by_a_program_is_in_the_audit_trail_too(site: Site, engine: Any) -> None:
    for path in ("/reports", JUNE, "/reports/need.json", "/reports/contract.csv?month=2026-06&version=9999"):
        await site.ask(path, Role.COMMISSIONER)
    whom = "dev-commissioner"
    assert await readings(engine) == [
        (whom, "/reports"),
        (whom, JUNE),
        (whom, "/reports/need.json"),
        (whom, "/reports/contract.csv?month=2026-06&version=9999"),
    ]


async def test_who_may_not_read_and_what_has_no_figures_leaves_no_entry(site: Site, engine: Any) -> None:
    await site.open("/staff", Role.WORKER)
    await site.ask(JUNE, Role.WORKER)
    await site.open("/staff/about", Role.MANAGER)
    await site.open("/staff/export", Role.MANAGER)
    assert await readings(engine) == []


# In which form.


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("*/*", "application/json"),
        ("", "application/json"),
        ("application/json", "application/json"),
        ("application/*", "application/json"),
        ("text/csv", "text/csv; charset=utf-8"),
        ("text/html", "text/html; charset=utf-8"),
        (XLSX, XLSX),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html; charset=utf-8"),
        ("text/csv;q=0.4, text/html;q=0.5, application/json;q=0.1", "text/html; charset=utf-8"),
        ("text/*;q=0.5, text/html;q=0, application/pdf", "text/csv; charset=utf-8"),
        ("application/json;q=0, */*", "text/html; charset=utf-8"),
        ("TEXT/CSV ; Q=1", "text/csv; charset=utf-8"),
        ("text/html;q=nonsense, text/csv;q=0.1", "text/csv; charset=utf-8"),
    ],
)
async def test_accept_chooses_the_form(site: Site, accept: str, content_type: str) -> None:
    answer = await site.ask(JUNE, accept=accept)
    assert (answer.status_code, answer.headers["content-type"]) == (200, content_type)
    assert "accept" in answer.headers["vary"].lower()


@pytest.mark.parametrize("accept", ["application/pdf", "image/*", "text/html;q=0", "*/*;q=0", "nonsense"])
async def test_what_takes_none_of_our_forms_is_406(site: Site, accept: str) -> None:
    answer = await site.ask(JUNE, accept=accept)
    assert answer.status_code == 406
    assert answer.json()["type"] == "urn:pir:problem:not-acceptable"


@pytest.mark.parametrize("kind", ["contract", "equality", "need"])
@pytest.mark.parametrize("suffix", ["json", "html", "csv", "xlsx"])
async def test_a_suffix_chooses_the_form_whatever_accept_says(site: Site, kind: str, suffix: str) -> None:
    query = "?month=2026-06" if kind == "contract" else ""
    answer = await site.ask(f"/reports/{kind}.{suffix}{query}", accept="image/png")
    assert answer.status_code == 200
    assert len(answer.content) > 500
    if suffix in ("csv", "xlsx"):
        assert f'filename="nottingham-{kind}-report-20' in answer.headers["content-disposition"]


async def test_another_suffix_is_not_there(site: Site) -> None:
    assert (await site.ask("/reports/contract.pdf?month=2026-06")).status_code == 404


async def test_json_is_the_document_exactly_as_it_was_published(site: Site) -> None:
    assert (await site.ask(JUNE)).text == a_contract_report().model_dump_json()


async def test_the_csv_has_a_line_for_every_figure(site: Site) -> None:
    text = (await site.ask("/reports/contract.csv?month=2026-06")).content.decode("utf-8-sig")
    codes = {row["code"] for row in csv.DictReader(io.StringIO(text)) if row["section"] == "figure"}
    assert codes == {figure.code for figure in a_contract_report().figures}


async def test_the_workbook_is_one(site: Site) -> None:
    content = (await site.ask("/reports/contract.xlsx?month=2026-06")).content
    assert "xl/workbook.xml" in zipfile.ZipFile(io.BytesIO(content)).namelist()


async def test_the_html_of_the_api_is_whole_and_leads_to_no_page_that_needs_a_session(site: Site) -> None:
    html = (await site.ask(JUNE, accept="text/html")).text
    page = Page(html)
    assert page.is_harmless
    assert "Referrals by ward" in page.words("main")
    assert len(page.all("h1")) == 1
    assert "/staff" not in html.partition("<main")[2].partition("</main>")[0]


# Which one.


async def test_the_latest_version_comes_unless_an_older_one_is_asked_for(site: Site) -> None:
    assert (await site.ask(JUNE)).json()["heading"]["version"] == 2
    assert (await site.ask(f"{JUNE}&version=1")).json()["heading"]["version"] == 1
    assert (await site.ask(f"{JUNE}&version=3")).status_code == 404


async def test_a_page_of_an_older_version_says_that_there_is_a_later_one(site: Site) -> None:
    old = read(await site.see("/staff/reports/2026-06?version=1"))
    assert "There is a later one" in old
    assert "There is a later one" not in read(await site.see("/staff/reports/2026-06"))


@pytest.mark.parametrize(
    "month", ["2026-13", "2026-6", "June", "2026-06-01", "", "２０２６-06", "1800-01", "2026-05--2026-06"]
)
async def test_a_month_that_is_none_is_422_without_repeating_it(site: Site, month: str) -> None:
    answer = await site.ask(f"/reports/contract?month={month}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/query/month"
    assert not month or month not in answer.text


async def test_a_call_without_a_month_is_422(site: Site) -> None:
    assert (await site.ask("/reports/contract")).status_code == 422


@pytest.mark.parametrize("version", ["0", "-1", "two", "", "99999"])
async def test_a_version_that_is_no_number_is_422(site: Site, version: str) -> None:
    assert (await site.ask(f"{JUNE}&version={version}")).status_code == 422


async def test_a_month_that_has_not_begun_is_not_there(site: Site) -> None:
    assert (await site.ask("/reports/contract?month=2026-10")).status_code == 404


async def test_the_running_month_has_no_figure_in_json_and_says_when_it_comes(site: Site) -> None:
    document = (await site.ask(f"/reports/contract.json?{RUNNING}")).json()
    assert (document["heading"]["status"], document["heading"]["available_on"]) == ("not_yet", "2026-10-07")
    assert document["figures"] == document["tables"] == []


async def test_the_running_month_has_no_figure_in_html_and_says_when_it_comes(site: Site) -> None:
    page = Page((await site.ask(f"/reports/contract.html?{RUNNING}")).text)
    assert COMES in page.words("main")
    assert page.all("table") == page.all("svg") == []


async def test_the_running_month_has_no_figure_in_csv_and_says_when_it_comes(site: Site) -> None:
    text = (await site.ask(f"/reports/contract.csv?{RUNNING}")).content.decode("utf-8-sig")
    lines = list(csv.DictReader(io.StringIO(text, newline="")))
    assert next(line["note"] for line in lines if line["section"] == "about") == COMES
    assert {line["section"] for line in lines} == {"about", "quality"}
    assert not any(line["value"] or line["mark"] for line in lines)


async def test_the_running_month_has_no_figure_in_the_workbook_and_says_when_it_comes(site: Site) -> None:
    content = (await site.ask(f"/reports/contract.xlsx?{RUNNING}")).content
    book = openpyxl.load_workbook(io.BytesIO(content))
    assert book.sheetnames == ["Cover", "Contents", "Notes", "1_status"]
    assert list(book["1_status"].iter_rows(values_only=True))[2:] == [("Period", "Status"), ("September 2026", COMES)]


async def test_a_month_before_the_first_report_has_no_data(site: Site) -> None:
    heading = (await site.ask("/reports/contract?month=2024-01")).json()["heading"]
    assert (heading["status"], heading["available_on"]) == ("no_data", None)


LATE = Waits(
    ((ReportKind.CONTRACT, read_month("2026-07")), (ReportKind.CONTRACT, read_month("2026-08"))),
    datetime(2026, 8, 7, tzinfo=UTC),
    "3 messages are parked",
)
WAITS = "The report of July 2026 waits: 3 messages are parked."


@pytest.mark.parametrize("path", ["/staff", "/staff/reports", "/staff/reports/2026-07"])
async def test_a_page_says_why_a_report_waits(engine: Any, path: str) -> None:
    await publish(engine, a_contract_report())
    async with a_site(engine, waits=LATE) as site:
        assert WAITS in await site.see(path)
    async with a_site(engine) as site:
        assert "waits" not in await site.see("/staff")


async def test_so_does_the_first_page_of_all(engine: Any) -> None:
    async with a_site(engine, waits=LATE) as site:
        assert WAITS in await site.see("/staff")
        assert WAITS in await site.see("/staff/kpis")


@pytest.mark.parametrize("has_data", [True, False])
async def test_a_report_that_waits_is_not_yet_there_in_every_form(engine: Any, has_data: bool) -> None:
    if has_data:
        await publish(engine, a_contract_report())
    async with a_site(engine, waits=LATE) as site:
        answer = await site.ask("/reports/contract?month=2026-07", Accept="application/json")
        heading = answer.json()["heading"]
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "private, no-cache")
        assert (heading["status"], heading["available_on"]) == ("not_yet", None)
        assert heading["waits_because"] == "3 messages are parked"
        assert answer.json()["figures"] == []
        for suffix in ("csv", "html"):
            assert WAITS in (await site.ask(f"/reports/contract.{suffix}?month=2026-07")).text
        assert (await site.ask("/reports/contract?month=2026-09")).json()["heading"]["waits_because"] == ""


async def test_a_month_that_is_late_is_not_yet_there(site: Site) -> None:
    heading = (await site.ask("/reports/contract?month=2026-08")).json()["heading"]
    assert (heading["status"], heading["available_on"]) == ("not_yet", "2026-09-15")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/reports/equality", 200),
        ("/reports/equality?period=2026-03--2026-08", 200),
        ("/reports/equality?period=2026-09--2027-02", 200),
        ("/reports/equality?period=2026-01--2026-06", 404),
        ("/reports/equality?period=2027-03--2027-08", 404),
        ("/reports/equality?period=2026-03", 422),
        ("/reports/equality?period=2026-08--2026-03", 422),
        ("/reports/need", 200),
        ("/reports/need?period=2025-09--2026-08", 200),
        ("/reports/need?period=2026-09--2027-08", 200),
        ("/reports/need?period=2026-03--2026-08", 404),
    ],
)
async def test_longer_periods_are_those_of_the_contract(site: Site, path: str, status: int) -> None:
    assert (await site.ask(path)).status_code == status


async def test_the_list_names_every_version_with_its_address(site: Site) -> None:
    items = (await site.ask("/reports")).json()["items"]
    assert len(items) == 16
    for item in items[:4]:
        assert (await site.ask(item["href"])).json()["heading"]["version"] == item["version"]


async def test_what_is_known_already_is_not_sent_again(site: Site) -> None:
    first = await site.ask(JUNE)
    assert first.headers["cache-control"] == "private, no-cache"
    again = await site.ask(JUNE, if_none_match=first.headers["etag"])
    assert (again.status_code, again.content) == (304, b"")
    assert (await site.ask(JUNE, if_none_match='"another"')).status_code == 200
    assert (await site.ask(JUNE, accept="text/csv", if_none_match=first.headers["etag"])).status_code == 200


# The pages.


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_is_harmless_has_one_heading_and_a_title_of_its_own(site: Site, path: str) -> None:
    html = await site.see(path)
    page = Page(html)
    assert page.is_harmless
    assert len(page.all("h1")) == 1
    assert "{{" not in html
    assert len({title_of(await site.see(each)) for each in PAGES}) == len(PAGES)


@pytest.mark.parametrize("path", PAGES)
async def test_every_picture_has_a_title_a_description_and_a_table(site: Site, path: str) -> None:
    page = Page((await site.see(path)).partition("<main")[2])
    pictures = page.all("svg")
    assert all(each["role"] == "img" and each["aria-labelledby"] for each in pictures)
    assert len(page.all("title")) == len(page.all("desc")) == len(pictures)
    assert len(page.all("table")) >= len(pictures)
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_takes_the_same_few_statements_however_much_is_published(
    engine: Any, site: Site, path: str
) -> None:
    with statements(engine) as cold:
        await site.see(path)
    with statements(engine) as warm:
        await site.see(path)
    assert len(cold) <= 4, "one of them the entry of the audit trail"
    assert len(warm) <= 3


async def test_the_overview_says_how_the_month_has_changed(site: Site) -> None:
    words = read(await site.see("/staff"))
    assert "June 2026 at a glance" in words
    assert "15 fewer than in May 2026" in words
    assert "Asian mothers are referred less than half as often" in words
    assert "What payment hangs on" in words


async def test_one_page_has_the_month_with_targets_reasons_gaps_and_need(site: Site) -> None:
    words = read(await site.see("/staff/reports/2026-06/one-page"))
    for said in (
        "Nottingham, June 2026 on one page",
        "84% (105 of 125)",
        "at least 90%: Missed",
        "at least 95%: Not said: the answer could give a count away",
        "at least 100%: Not said: nothing to count",
        "Not taken on yet when due: not in this report.",
        "15 fewer than in May 2026",
        "Asian mothers are referred less than half as often",
        "Universal support",
    ):
        assert said in words, said


@pytest.mark.parametrize("path", ["/staff", "/staff/reports/2026-06", "/staff/reports/2026-06?version=1"])
async def test_a_month_leads_to_its_page_to_print(site: Site, path: str) -> None:
    page = Page(await site.see(path))
    [link] = [each["href"] for each in page.all("a") if "one-page" in each.get("href", "")]
    assert "on one page" in read(await site.see(link))


@pytest.mark.parametrize("path", ["2026-07/one-page", "2026-06/one-page?version=9", "nonsense/one-page"])
async def test_there_is_one_page_of_what_is_published_alone(site: Site, path: str) -> None:
    assert "Page not found" in read(await site.see(f"/staff/reports/{path}", status=404))


async def test_a_verdict_has_its_reason_beside_it_on_every_page(engine: Any) -> None:
    """As a report of the first version has it: 93 % of at least 95 %, met; and the month before the same, missed."""
    met, missed = (
        a_share("contacted_in_time", 65, 70, target=0.95, is_paid=True, verdict=verdict)
        for verdict in (Verdict.MET, Verdict.MISSED)
    )
    may = {"period": "2026-05", "first_day": date(2026, 5, 1), "last_day": date(2026, 5, 31)}
    months = [a_contract_report(figures=(each,), heading=a_heading(**day)) for each, day in ((missed, may), (met, {}))]
    await publish(engine, *months)
    async with a_site(engine) as site:
        for path in ("", "/kpis", "/kpis/contacted_in_time", "/reports/2026-06/one-page", "/reports/2026-06"):
            words = read(await site.see(f"/staff{path}"))
            assert "Met by the exact count, which is shown rounded" in words, path
            assert "Not taken on yet when due: not in this report." in words, path
            if not path.endswith("2026-06"):
                assert "when the target was missed by the exact count" in words, path


async def test_a_number_that_is_held_back_is_never_compared(site: Site) -> None:
    words = read(await site.see("/staff/kpis/contacted_in_time_priority"))
    assert "Held back [w]" in words
    assert "more than in" not in words


async def test_a_kpi_shows_its_months_with_what_it_counts(site: Site) -> None:
    words = read(await site.see("/staff/kpis/decided_in_time"))
    for said in ("June 2026", "June 2025", "at least 90%", "How it is counted", "Referrals due in the month", "[w]"):
        assert said in words, said


async def test_an_unknown_kpi_is_not_there(site: Site) -> None:
    await site.see("/staff/kpis/nothing", status=404)


async def test_the_list_of_reports_says_what_a_version_changed(site: Site) -> None:
    assert "Referrals received: 135, now 140" in read(await site.see("/staff/reports"))


@pytest.mark.parametrize(
    "path",
    [
        "/staff/reports/2026-06.csv",
        "/staff/reports/2026-06.xlsx?version=1",
        "/staff/reports/2026-06.json",
        "/staff/equality/2026-03--2026-08.csv",
        "/staff/need/2025-09--2026-08.xlsx",
    ],
)
async def test_a_report_is_taken_along_as_a_file(site: Site, path: str) -> None:
    answer = await site.open(path)
    assert answer.status_code == 200
    assert answer.headers["content-disposition"].startswith('attachment; filename="nottingham-')


async def test_a_file_from_the_pages_is_the_file_of_the_api(site: Site) -> None:
    page = await site.open("/staff/reports/2026-06.json")
    assert json.loads(page.content) == (await site.ask(JUNE)).json()


@pytest.mark.parametrize(
    "path",
    [
        "/staff/reports/2026-13",
        "/staff/reports/nonsense",
        "/staff/reports/2026-06.pdf",
        "/staff/reports/2026-09.csv",
        "/staff/reports/2026-06?version=7",
        "/staff/reports/2026-06?version=x",
        "/staff/equality?period=nonsense",
        "/staff/need/2026-03--2026-08.csv",
        "/staff/reports/2030-01",
    ],
)
async def test_what_is_not_published_is_a_kind_page_not_a_mistake(site: Site, path: str) -> None:
    page = await site.see(path, status=404)
    assert "Page not found" in read(page)
    assert "referral" not in read(page)


# The first day.


@pytest.mark.parametrize("path", ["/staff", "/staff/kpis", "/staff/kpis/received", "/staff/equality", "/staff/need"])
async def test_before_the_first_report_a_page_says_when_one_comes(empty: Site, path: str) -> None:
    words = read(await empty.see(path))
    assert "yet" in words
    assert "2026" in words


async def test_before_the_first_report_the_rest_is_there_too(empty: Site) -> None:
    assert "Nothing is published yet" in read(await empty.see("/staff/reports"))
    assert "Why some numbers are held back" in read(await empty.see("/staff/about"))
    assert (await empty.ask("/reports")).json() == {"items": []}
    assert (await empty.ask("/reports/equality")).json()["heading"]["status"] == "not_yet"
    assert (await empty.ask("/reports/need")).json()["heading"]["status"] == "not_yet"


async def test_the_day_of_the_next_report_is_the_fifth_working_day_after_the_month(engine: Any) -> None:
    async with a_site(engine, now=lambda: datetime(2026, 10, 1, 9, tzinfo=UTC)) as site:
        assert "Wednesday 7 October 2026. It is about September 2026" in read(await site.see("/staff"))
    async with a_site(engine, now=lambda: datetime(2026, 10, 8, 9, tzinfo=UTC)) as site:
        assert "Friday 6 November 2026. It is about October 2026" in read(await site.see("/staff"))


# The coded export.


async def test_a_manager_takes_codes_along_and_every_time_is_written_down(engine: Any) -> None:
    async with a_site(engine) as site:
        assert "Coded export" in read(await site.see("/staff/export", Role.MANAGER))
        assert "," in await site.see("/staff/export/dictionary.csv", Role.MANAGER)
        answers = [await site.send("/staff/export", Role.MANAGER, month=month) for month in ("2026-08", "2026-07")]
    assert [each.text.splitlines()[0] for each in answers] == [",".join(COLUMNS)] * 2
    assert answers[0].headers["content-disposition"] == 'attachment; filename="coded-export-2026-08.csv"'
    async with engine.connect() as tx:
        rows = (await tx.execute(sa.text("SELECT actor_id, action, at, detail FROM audit ORDER BY id"))).all()
    assert rows == [("dev-manager", "codes.exported", NOW, month) for month in ("2026-08", "2026-07")]


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.MANAGER])
async def test_nobody_else_takes_codes_along(engine: Any, role: Role) -> None:
    async with a_site(engine) as site:
        await site.see("/staff/export", role, status=403)
        assert (await site.send("/staff/export", role, month="2026-08")).status_code == 403
    async with engine.connect() as tx:
        assert await tx.scalar(sa.text("SELECT count(*) FROM audit")) == 0


@pytest.mark.parametrize("month", ["2026-09", "2027-01", "nonsense", ""])
async def test_a_month_that_has_not_ended_is_not_taken_along(engine: Any, month: str) -> None:
    async with a_site(engine) as site:
        answer = await site.send("/staff/export", Role.MANAGER, month=month)
        assert answer.status_code == 422
        assert "Choose a month from the list" in read(answer.text)
        assert (await site.send("/staff/export", Role.MANAGER, csrf="guessed", month="2026-08")).status_code == 403
    async with engine.connect() as tx:
        assert await tx.scalar(sa.text("SELECT count(*) FROM audit")) == 0


# The library.


async def test_a_document_is_read_once_and_a_new_version_is_seen_at_once(engine: Any) -> None:
    library = ReportStore(engine)
    heading = a_heading(version=1, changes=())
    await publish(engine, a_contract_report(heading=heading))
    first = await library.documents(latest(await library.editions(), ReportKind.CONTRACT))
    with statements(engine) as sent:
        again = await library.documents(latest(await library.editions(), ReportKind.CONTRACT))
    assert len(sent) == 1
    assert again[0] is first[0]
    change = (Change(where="Referrals received", before="135", after="140"),)
    await publish(engine, a_contract_report(heading=heading.model_copy(update={"version": 2, "changes": change})))
    newest = await library.documents(latest(await library.editions(), ReportKind.CONTRACT))
    assert newest[0].report.heading.version == 2


async def test_an_answer_of_the_api_is_kept_by_no_shared_cache(site: Site) -> None:
    answers: list[httpx.Response] = [await site.ask(JUNE), await site.ask("/reports"), await site.open("/staff")]
    assert all("public" not in each.headers["cache-control"] for each in answers)


@pytest.mark.parametrize(
    "path",
    [
        *(path for path in PAGES if path != "/staff/about"),
        *("/staff/kpis/contacted_in_time_priority", "/staff/kpis/received", "/staff/reports/2026-06?version=1"),
    ],
)
async def test_a_report_page_is_easy_to_read(site: Site, path: str) -> None:
    """No sentence is harder than that of a ninth year at school: names, the key to shorthand and examples left out.

    Not the page About: it has the definition of each figure, and some of those are harder.
    """
    texts = [NAMED.sub("They ", text) for text in texts_of(await site.see(path)) if not OF_EXAMPLES.search(text)]
    assert {text: round(grade(text), 1) for text in texts if is_prose(text) and grade(text) > 9} == {}


NAMED = re.compile(r"^.*(?=are referred )")
"""A row and its sentence begin with the name of a ward, or of a category as it is published."""
OF_EXAMPLES = re.compile(r"^\[|in a sentence|Invented|without a first concern")
