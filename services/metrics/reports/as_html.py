"""A report as a page shows it: what it says of itself, then every table with its picture (templates/_report.html)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from services.metrics.reports import charts, words
from services.metrics.reports.grids import Cells, Grid, changes_grid, grids
from services.metrics.reports.model import (
    AnyReport,
    ContractReport,
    EqualityReport,
    Figure,
    Heading,
    NeedReport,
    ReportStatus,
    figure_of,
)
from services.metrics.reports.remarks import needs, result


@dataclass(frozen=True, slots=True)
class Section:
    """A table under its heading, with its picture where there is one. `ident` is its id on the page."""

    ident: str
    grid: Grid
    picture: Markup | None = None


@dataclass(frozen=True, slots=True)
class View:
    """What `_report.html` shows. `facts`: what the report says about itself, name and words."""

    title: str
    is_published: bool
    status: str
    facts: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]
    changes: Section | None
    gaps: tuple[str, ...]
    sections: tuple[Section, ...]
    quality: tuple[str, ...]
    counting: str = words.COUNTING


def contract_view(report: ContractReport) -> View:
    """Figures by unit, breakdowns, definitions."""
    return _view(report, _contract_pictures(report))


def equality_view(report: EqualityReport) -> View:
    """The gaps in words, then each dimension."""
    pictures = {dimension.code: charts.access(_ident(dimension.code), dimension) for dimension in report.dimensions}
    return _view(report, pictures, gaps=report.gaps, is_invented=any(each.is_invented for each in report.dimensions))


def need_view(report: NeedReport) -> View:
    """Levels of need, wards and outreach, each against what was seen."""
    parts = {"tiers": needs(report.tiers), "wards": report.wards}
    made = {grid.code: grid.title for grid in grids(report)}
    pictures = {code: charts.need(_ident(code), made[code], part) for code, part in parts.items() if part}
    return _view(report, pictures, is_invented=report.is_invented)


def trends(reports: Sequence[ContractReport]) -> list[Section]:
    """Each figure of the latest report over the months given, oldest first: its line and the numbers behind it."""
    if not reports:
        return []
    return [
        Section(f"trend-{figure.code}", _months(reports, figure), _trend(reports, figure))
        for figure in reports[-1].figures
    ]


def _view(
    report: AnyReport, pictures: dict[str, Markup], *, gaps: tuple[str, ...] = (), is_invented: bool = False
) -> View:
    heading = report.heading
    warnings = ((heading.is_practice, words.PRACTICE), (is_invented, words.INVENTED))
    changed = changes_grid(report)
    return View(
        title=words.title(heading),
        is_published=heading.status is ReportStatus.PUBLISHED,
        status=words.status(heading),
        facts=_facts(heading),
        warnings=tuple(text for is_so, text in warnings if is_so),
        changes=Section("changes", changed) if changed else None,
        gaps=gaps,
        sections=tuple(Section(grid.code, grid, pictures.get(grid.code)) for grid in grids(report)),
        quality=report.quality,
    )


def _facts(heading: Heading) -> tuple[tuple[str, str], ...]:
    made = (
        ("Period", f"{words.period(heading)}: {words.days(heading)}"),
        ("Version", f"{heading.version}"),
        ("Contract", words.contract_year(heading)),
        ("Counted under", f"Policy {heading.policy}, version {heading.policy_version}"),
    )
    return tuple((name, text) for name, text in made if text)


def _contract_pictures(report: ContractReport) -> dict[str, Markup]:
    made = {table.code: charts.breakdown(_ident(table.code), table) for table in report.tables}
    made["shares"] = charts.shares(_ident("shares"), report.figures)
    made["waits"] = charts.waits(_ident("waits"), report.figures)
    return made


def _trend(reports: Sequence[ContractReport], figure: Figure) -> Markup:
    return charts.trend(f"chart-trend-{figure.code}", figure, charts.points(reports, figure.code))


def _months(reports: Sequence[ContractReport], figure: Figure) -> Grid:
    found = [(report, figure_of(report.figures, figure.code)) for report in reports]
    months = [(words.month(report.heading.first_day), each) for report, each in found if each]
    judged = any(each.verdict for _, each in months)
    headings = ("Month", words.UNITS[figure.unit], *(["Target met or missed"] if judged else []))
    rows: tuple[Cells, ...] = tuple((name, each.value, *([result(each)] if judged else [])) for name, each in months)
    return Grid(f"trend_{figure.code}", f"{figure.name} by month", headings, rows, (figure.definition,))


def _ident(code: str) -> str:
    return f"chart-{code}"
