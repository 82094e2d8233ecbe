"""The deployed files of Prometheus and Alertmanager for a system on this machine: other addresses, shorter times.

The rules stay as they are: what fires here fires there. `make test-monitoring` goes by the same functions.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ruamel.yaml import YAML

ROOT: Final = Path(__file__).resolve().parents[3]
PROMETHEUS: Final = ROOT / "deploy" / "prometheus"
ALERTMANAGER: Final = ROOT / "deploy" / "alertmanager"
DASHBOARDS: Final = ROOT / "deploy" / "grafana" / "dashboards"
KINDS: Final = ("page", "ticket", "heartbeat")
"""Whom Alertmanager tells; each has a webhook, PIR_<KIND>_WEBHOOK."""


def write_prometheus(folder: Path, *, targets: Mapping[str, str], alertmanager: str, token: str, seconds: int) -> Path:
    """Copy deploy/prometheus into `folder` and return the file to start with; `targets`: service to host:port.

    `seconds` is the time from one look at the services to the next.
    """
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(PROMETHEUS, folder)
    yaml, file = YAML(), folder / "prometheus.yml"
    config = yaml.load(file)
    config["global"] = {"scrape_interval": f"{seconds}s", "evaluation_interval": f"{seconds}s"}
    [job] = config["scrape_configs"]
    shown = folder / "scrape-token"
    shown.touch(0o600)
    shown.write_text(token, encoding="utf-8")
    job["authorization"]["credentials_file"] = str(shown)
    for group in job["static_configs"]:
        group["targets"] = [targets[group["labels"]["service"]]]
    [manager] = config["alerting"]["alertmanagers"]
    manager["static_configs"][0]["targets"] = [alertmanager]
    yaml.dump(config, file)
    return file


def write_alertmanager(folder: Path, times: Mapping[str, str]) -> Path:
    """Copy deploy/alertmanager into `folder` and return its start.sh; `times`: name of a setting to its value."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ALERTMANAGER, folder)
    file = folder / "alertmanager.yml"
    text = file.read_text(encoding="utf-8")
    for name, value in times.items():
        text = re.sub(rf"{name}: \w+", f"{name}: {value}", text)
    file.write_text(text, encoding="utf-8")
    return folder / "start.sh"
