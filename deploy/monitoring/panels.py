"""What panels have in common: queries, units, the limits of their alerts, and links to what to do about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from grafana_foundation_sdk.builders import bargauge, common, dashboard, prometheus, stat, table, timeseries
from grafana_foundation_sdk.builders.dashboard import ThresholdsConfig
from grafana_foundation_sdk.models import common as shapes
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from deploy.monitoring.alerts import Alert, alerts

SOURCE: Final = models.DataSourceRef(type_val="prometheus", uid="prometheus")
RUNBOOKS: Final = "pir-runbooks"
COLOURS: Final = {"page": "red", "ticket": "orange", "none": "blue"}
FINE: Final = "green"
LETTERS: Final = "ABCDEF"
"""Grafana's names of a panel's queries; with more of them nobody reads it."""

Panel = timeseries.Panel | stat.Panel | bargauge.Panel | table.Panel


@dataclass(frozen=True, slots=True)
class Query:
    """PromQL, and what its series are called (Grafana's `{{label}}`)."""

    expression: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Looks:
    """Size in Grafana's grid of 24 columns; `unit` is Grafana's; `most` is the top of the scale."""

    unit: str = "short"
    width: int = 8
    height: int = 7
    most: float | None = None
    is_stacked: bool = False


def lines(title: str, description: str, *queries: Query, looks: Looks, watched_by: Sequence[str] = ()) -> Panel:
    """A course over time, with a dashed line where an alert fires."""
    panel = timeseries.Panel().tooltip(
        common.VizTooltipOptions().mode(shapes.TooltipDisplayMode.MULTI).sort(shapes.SortOrder.DESCENDING)
    )
    panel.fill_opacity(10).show_points(shapes.VisibilityMode.NEVER).span_nulls(60_000).axis_soft_min(0)
    panel.legend(common.VizLegendOptions().show_legend(True).placement(shapes.LegendPlacement.BOTTOM))
    if looks.is_stacked:
        panel.stacking(common.StackingConfig().mode(shapes.StackingMode.NORMAL))
    if watched_by:
        panel.thresholds_style(common.GraphThresholdsStyleConfig().mode(shapes.GraphTresholdsStyleMode.DASHED))
    return _finished(panel, title, description, queries, looks, watched_by)


def number(title: str, description: str, query: Query, *, looks: Looks, watched_by: Sequence[str] = ()) -> Panel:
    """The value now, coloured by its alerts."""
    panel = stat.Panel().color_mode(shapes.BigValueColorMode.VALUE).graph_mode(shapes.BigValueGraphMode.AREA)
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    return _finished(panel, title, description, [query], looks, watched_by)


def bars(title: str, description: str, query: Query, *, looks: Looks, watched_by: Sequence[str] = ()) -> Panel:
    """One bar a series, as of now."""
    panel = (
        bargauge.Panel().orientation(shapes.VizOrientation.HORIZONTAL).display_mode(shapes.BarGaugeDisplayMode.BASIC)
    )
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"])).min(0)
    return _finished(panel, title, description, [query], looks, watched_by)


def listing(title: str, description: str, query: Query, *, looks: Looks) -> Panel:
    """The series themselves as rows, one column a label."""
    panel = table.Panel().show_header(True)
    for name in ("Time", "Value", "__name__", "job", "alertstate"):
        panel.override_by_name(name, [models.DynamicConfigValue(id_val="custom.hidden", value=True)])
    return _finished(panel, title, description, [query], looks, (), is_table=True)


def _finished(
    panel: Panel,
    title: str,
    description: str,
    queries: Sequence[Query],
    looks: Looks,
    watched_by: Sequence[str],
    *,
    is_table: bool = False,
) -> Panel:
    panel.title(title).description(description).datasource(SOURCE).unit(looks.unit)
    panel.span(looks.width).height(looks.height)
    if looks.most is not None:
        panel.max(looks.most)
    if len(queries) > len(LETTERS):
        raise ValueError(f"{title}: {len(queries)} queries, and room for {len(LETTERS)}")
    for letter, query in zip(LETTERS, queries, strict=False):
        target = prometheus.Dataquery().ref_id(letter).expr(query.expression).datasource(SOURCE)
        if is_table:
            target.format(PromQueryFormat.TABLE).instant()
        else:
            target.legend_format(query.legend).range()
        panel.with_target(target)
    watching = [alerts()[name] for name in watched_by]
    return panel.thresholds(_thresholds(watching)).links([_link(alert) for alert in watching])


def _thresholds(watching: Sequence[Alert]) -> ThresholdsConfig:
    """The limits of the alerts, each in the colour of its severity from there on; below them where low is bad.

    Raises ValueError when the alerts compare differently (`>`, `<`, `==`): the colours go one way.
    """
    config = ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE)
    firsts = [(alert.conditions[0], COLOURS[alert.severity]) for alert in watching]
    limits = sorted({(first.limit, colour, first.sign) for first, colour in firsts})
    if not limits:
        return config.steps([models.Threshold(value=None, color=FINE)])
    if len({sign for _, _, sign in limits}) > 1:
        raise ValueError(f"these compare differently: {', '.join(alert.name for alert in watching)}")
    if limits[0][2] == ">":
        bad = [models.Threshold(value=limit, color=colour) for limit, colour, _ in limits]
        return config.steps([models.Threshold(value=None, color=FINE), *bad])
    colours = [*(colour for _, colour, _ in limits), FINE]
    values = [None, *(limit if sign == "<" else limit + 1 for limit, _, sign in limits)]
    return config.steps(
        [models.Threshold(value=value, color=colour) for value, colour in zip(values, colours, strict=True)]
    )


def _link(alert: Alert) -> dashboard.DashboardLink:
    place = sorted(alerts()).index(alert.name) + 1
    link = dashboard.DashboardLink(f"What to do: {alert.name}").type(models.DashboardLinkType.LINK)
    return link.url(f"/d/{RUNBOOKS}?viewPanel={place}").target_blank(True)
