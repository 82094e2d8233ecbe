"""Figures as lines of a page, which form a client wants, and the settings of a service with pages of its own."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from services.metrics.pages.lines import OTHERS, groups_of, line_of
from services.metrics.reports.formats import Format, wanted
from services.metrics.reports.model import ContractReport, Unit
from services.metrics.settings import Settings
from shared.sign_in.cookies import Names
from tests.unit.metrics.report_examples import Cell, a_contract_report, a_figure, some_months


def two_months(before: Cell, now: Cell, unit: Unit = Unit.COUNT, *, skipped: int = 0) -> list[ContractReport]:
    months = some_months(2 + skipped)
    values = (before, now)
    return [
        a_contract_report(heading=each.heading, figures=(a_figure("a", value, unit=unit),))
        for each, value in zip((months[0], months[-1]), values, strict=True)
    ]


@pytest.mark.parametrize(
    ("before", "now", "unit", "said"),
    [
        (10, 15, Unit.COUNT, "5 more than in May 2026"),
        (15, 10, Unit.COUNT, "5 fewer than in May 2026"),
        (80, 81, Unit.SHARE, "1 percentage point more than in May 2026"),
        (81, 79, Unit.SHARE, "2 percentage points less than in May 2026"),
        (3, 4, Unit.DAYS, "1 working day longer than in May 2026"),
        (9, 4, Unit.DAYS, "5 working days shorter than in May 2026"),
        (10, 10, Unit.COUNT, "The same as in May 2026"),
        ("c", 10, Unit.COUNT, "Can't be compared with May 2026"),
        (10, "w", Unit.COUNT, "Can't be compared with May 2026"),
    ],
)
def test_a_change_is_said_in_words_between_published_numbers(before: Cell, now: Cell, unit: Unit, said: str) -> None:
    months = two_months(before, now, unit)
    assert line_of(months[-1].figures[0], months).change == said


def test_a_month_is_compared_with_the_one_right_before_it_only() -> None:
    months = two_months(10, 20, skipped=1)
    assert line_of(months[-1].figures[0], months).change == ""


def test_every_figure_is_in_exactly_one_group_and_new_ones_come_last() -> None:
    report = a_contract_report(figures=(*a_contract_report().figures, a_figure("brand_new")))
    groups = groups_of([report])
    shown = [line.figure.code for group in groups for line in group.lines]
    assert sorted(shown) == sorted(figure.code for figure in report.figures)
    assert (groups[-1].heading, groups[-1].lines[0].figure.code) == (OTHERS, "brand_new")


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", Format.JSON),
        ("text/*;q=0.2, text/csv;q=0.3", Format.CSV),
        ("text/html;q=2, text/csv;q=0.1", Format.CSV),
        ("text/html;q=", None),
        ("application/json;version=1", Format.JSON),
        (", ,", None),
    ],
)
def test_the_best_form_is_chosen(accept: str, form: Format | None) -> None:
    assert wanted(accept) is form


def test_outside_development_browsers_see_the_reports_over_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {
        "PIR_PROFILE": "production",
        "PIR_INTERNAL_PORT": "9000",
        "PIR_SCRAPE_TOKEN": "token",
        "PIR_TOKEN_TRIAGE_METRICS": "token",
        "PIR_TOKEN_REFERRAL_METRICS": "token",
        "PIR_AUDIT_SIGNING_KEY": "A" * 43,
        "DATABASE_URL": "postgresql://nowhere",
        "KAFKA_BOOTSTRAP_SERVERS": "nowhere",
        "PIR_OIDC_METADATA_URL": "https://login.example.org/.well-known/openid-configuration",
        "PIR_OIDC_CLIENT_ID": "pages",
        "PIR_OIDC_CLIENT_SECRET": "secret",
        "PIR_PUBLIC_URL": "https://triage.example.org",
        "PIR_METRICS_PUBLIC_URL": "http://reports.example.org",
    }
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("PIR_CREDENTIALS_FILE", raising=False)
    with pytest.raises(ValidationError, match="PIR_METRICS_PUBLIC_URL must start with https"):
        Settings()
    monkeypatch.setenv("PIR_METRICS_PUBLIC_URL", "https://reports.example.org")
    settings = Settings()
    assert (settings.public_url, settings.triage_public_url) == (
        "https://reports.example.org",
        "https://triage.example.org",
    )


def test_two_services_on_one_host_have_cookies_of_their_own() -> None:
    ours, theirs = Names.of("reports"), Names()
    assert len({ours.session, ours.handshake, theirs.session, theirs.handshake}) == 4
    assert all(name.startswith("__Host-") for name in (ours.session, ours.handshake))
