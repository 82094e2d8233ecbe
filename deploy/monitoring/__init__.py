"""Grafana dashboards as code: `python -m deploy.monitoring` writes them. Thresholds come from the alert rules."""
