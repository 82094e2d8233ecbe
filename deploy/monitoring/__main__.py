"""`python -m deploy.monitoring [FOLDER]` writes every dashboard as Grafana reads it; `make dashboards` calls it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Final

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from deploy.monitoring.alerts import ROOT
from deploy.monitoring.messages import messages
from deploy.monitoring.path_of_a_referral import path_of_a_referral
from deploy.monitoring.queues_and_deadlines import queues_and_deadlines
from deploy.monitoring.runbooks import runbooks
from deploy.monitoring.service_health import service_health

FOLDER: Final = ROOT / "deploy" / "grafana" / "dashboards"
BOARDS: Final = {
    "service-health": service_health,
    "path-of-a-referral": path_of_a_referral,
    "queues-and-deadlines": queues_and_deadlines,
    "messages": messages,
    "runbooks": runbooks,
}
"""By the name of their file."""


def written() -> dict[str, str]:
    """File name → content."""
    return {
        f"{name}.json": json.dumps(make(), cls=JSONEncoder, indent=1, sort_keys=True) + "\n"
        for name, make in BOARDS.items()
    }


def main(folder: Path = FOLDER) -> None:
    """Write them, and take away what is no dashboard of ours any more."""
    folder.mkdir(parents=True, exist_ok=True)
    files = written()
    for old in folder.glob("*.json"):
        if old.name not in files:
            old.unlink()
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
