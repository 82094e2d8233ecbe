"""A whole dashboard from rows of panels: ids, the choice of services, links to the other dashboards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models import dashboard as models

from deploy.monitoring.panels import SOURCE

TAG: Final = "pir"


class Panel(Protocol):
    """Any builder of a panel; they have no common base."""

    def id(self, id_val: int) -> Any: ...
    def build(self) -> models.Panel: ...


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under one heading."""

    title: str
    panels: Sequence[Panel]


def board(
    uid: str, title: str, description: str, rows: Sequence[Row], *, chooses_service: bool = False
) -> models.Dashboard:
    """Panels are numbered in their order, so that an address of one panel stays good while nothing is put before it."""
    whole = dashboard.Dashboard(title).uid(uid).description(description).tags([TAG]).readonly()
    whole.timezone("browser").time("now-6h", "now").refresh("30s").version(1)
    whole.tooltip(models.DashboardCursorSync.CROSSHAIR).link(_others())
    if chooses_service:
        whole.with_variable(_service())
    number = 0
    for row in rows:
        if row.title:
            number += 1
            whole.with_row(dashboard.Row(row.title).id(number))
        for panel in row.panels:
            number += 1
            whole.with_panel(panel.id(number))
    return whole.build()


def _others() -> dashboard.DashboardLink:
    link = dashboard.DashboardLink("Other dashboards").type(models.DashboardLinkType.DASHBOARDS)
    return link.tags([TAG]).as_dropdown(True).keep_time(True)


def _service() -> dashboard.QueryVariable:
    """One, several or all services; `up` knows those that are away too."""
    everything = models.VariableOption(selected=True, text="All", value="$__all")
    variable = dashboard.QueryVariable("service").label("Service").datasource(SOURCE).current(everything)
    variable.query('label_values(up{job="pir"}, service)').refresh(models.VariableRefresh.ON_DASHBOARD_LOAD)
    return variable.sort(models.VariableSort.ALPHABETICAL_ASC).multi(True).include_all(True).all_value(".*")
