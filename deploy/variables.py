"""`python -m deploy.variables` writes the table in docs/variables.md again, from the settings of the four services."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Any, Final, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from services.metrics.settings import Settings as MetricsSettings
from services.notify.settings import Settings as NotifySettings
from services.referral.settings import Settings as ReferralSettings
from services.triage.settings import Settings as TriageSettings
from shared.settings import ROOT, Settings, variable_of

FILE: Final = ROOT / "docs" / "variables.md"
BEGINS, ENDS = "<!-- made by deploy/variables.py: -->\n", "<!-- end -->\n"
SERVICES: Final[dict[str, type[Settings]]] = {
    "referral": ReferralSettings,
    "triage": TriageSettings,
    "notify": NotifySettings,
    "metrics": MetricsSettings,
}


def table() -> str:
    """A row for each variable: its name and meaning, the services that read it, its default, whether it is secret."""
    readers: dict[tuple[str, str, str, str], list[str]] = {}
    for service, settings in SERVICES.items():
        for name, field in settings.model_fields.items():
            secret = "yes" if is_secret(field) else ""
            row = (variable_of(settings, name), field.description or "", _default(field), secret)
            readers.setdefault(row, []).append(service)
    lines = ["| Variable | Meaning | Read by | Default | Secret |", "| --- | --- | --- | --- | --- |"]
    for (variable, meaning, default, secret), services in sorted(readers.items()):
        by = "all" if len(set(services)) == len(SERVICES) else ", ".join(dict.fromkeys(services))
        lines.append(f"| `{variable}` | {meaning} | {by} | {default} | {secret} |")
    return "\n".join(lines) + "\n"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**needed**"
    value: Any = field.get_default(call_default_factory=True, validated_data={})
    if isinstance(value, Path):
        value = value.relative_to(ROOT) if value.is_relative_to(ROOT) else value
    elif isinstance(value, StrEnum):
        value = value.value
    elif is_secret(field) or value in (None, "", {}):
        return "none"
    return f"`{value}`"


def is_secret(field: FieldInfo) -> bool:
    """Itself, or something in it, as in a provider's settings."""
    inside = [each for each in get_args(field.annotation) if isinstance(each, type) and issubclass(each, BaseModel)]
    return "SecretStr" in str(field.annotation) or any(
        is_secret(part) for model in inside for part in model.model_fields.values()
    )


def written(text: str) -> str:
    """The page with its made part as the code has it now."""
    before, _, rest = text.partition(BEGINS)
    _, _, after = rest.partition(ENDS)
    return f"{before}{BEGINS}{table()}{ENDS}{after}"


if __name__ == "__main__":
    FILE.write_text(written(FILE.read_text(encoding="utf-8")), encoding="utf-8")
