"""The files that are deployed, as Prometheus and Alertmanager themselves judge them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from deploy.local.monitoring.configuration import ALERTMANAGER, KINDS, PROMETHEUS
from deploy.local.monitoring.processes import program
from deploy.monitoring.alerts import alerts

CASES = sorted((Path(__file__).parent / "rules").glob("*.yml"))


def ran(*command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command, env={**os.environ, **environment}, check=False, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def with_webhooks(file: Path, *kinds: str) -> Path:
    """The configuration as start.sh makes it; `true` stands where Alertmanager would."""
    webhooks = {f"PIR_{kind.upper()}_WEBHOOK": f"https://{kind}.example.org/?a=b&c=|d" for kind in kinds}
    ran("sh", ALERTMANAGER / "start.sh", file, "true", **webhooks)
    return file


def test_prometheus_takes_the_configuration(tmp_path: Path) -> None:
    """Where the token lies as Compose puts it."""
    copy, token = tmp_path / "prometheus", tmp_path / "scrape-token"
    shutil.copytree(PROMETHEUS, copy)
    token.write_text("s" * 32)
    text = (copy / "prometheus.yml").read_text(encoding="utf-8")
    assert "/run/secrets/scrape-token" in text
    (copy / "prometheus.yml").write_text(text.replace("/run/secrets/scrape-token", str(token)), encoding="utf-8")
    ran(program("promtool"), "check", "config", copy / "prometheus.yml")


@pytest.mark.parametrize("file", sorted((PROMETHEUS / "rules").glob("*.yml")), ids=lambda file: file.stem)
def test_prometheus_takes_the_rules(file: Path) -> None:
    ran(program("promtool"), "check", "rules", "--lint=all", "--lint-fatal", file)


@pytest.mark.parametrize("file", CASES, ids=lambda file: file.stem)
def test_every_alert_fires_when_it_should_and_only_then(file: Path) -> None:
    ran(program("promtool"), "test", "rules", file)


@pytest.mark.parametrize("kinds", [(), ("page",), KINDS], ids=["no webhook", "one", "all"])
def test_alertmanager_takes_the_configuration_with_and_without_webhooks(kinds: tuple[str, ...], tmp_path: Path) -> None:
    file = with_webhooks(tmp_path / "alertmanager.yml", *kinds)
    ran(program("amtool"), "check-config", file)
    text = file.read_text(encoding="utf-8")
    assert text.count("webhook_configs") == len(kinds)
    assert all(f"https://{kind}.example.org/?a=b&c=|d" in text for kind in kinds)
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("alert", alerts().values(), ids=alerts())
def test_an_alert_reaches_those_it_is_for(alert, tmp_path: Path) -> None:
    file = with_webhooks(tmp_path / "alertmanager.yml", *KINDS)
    labels = [f"alertname={alert.name}", f"severity={alert.severity}", "service=triage"]
    routed = ran(program("amtool"), "config", "routes", "test", f"--config.file={file}", *labels)
    assert routed.stdout.strip() == {"page": "page", "ticket": "ticket", "none": "heartbeat"}[alert.severity]
