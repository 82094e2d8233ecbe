"""The KPIs: one table of what is counted for the contract, each line in the file of its subject. Pure.

A figure of a month is the sum of `numerator` over what the KPI looks at whose `day` is in the month, and the sum of
`denominator` for a share; a wait is the median of the numbers of days. Targets are the policy's.
"""

from __future__ import annotations

from services.metrics.counting.kpis.flow import flow, waiting
from services.metrics.counting.kpis.in_time import in_time
from services.metrics.counting.kpis.kpi import Kpi
from services.metrics.counting.kpis.work import work
from shared.policy import Policy

__all__ = ["Kpi", "kpis"]


def kpis(policy: Policy) -> tuple[Kpi, ...]:
    """The whole table; numbers of days and months in the words are those of the policy."""
    return (*flow(), *in_time(policy), *waiting(policy), *work())
