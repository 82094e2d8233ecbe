"""The page of all variables is that of the code."""

from __future__ import annotations

import re

import pytest

from deploy.variables import FILE, SERVICES, written
from shared.settings import Settings, variable_of


def test_the_page_shows_the_settings_of_the_code() -> None:
    text = FILE.read_text(encoding="utf-8")
    assert written(text) == text, "write it again: python -m deploy.variables"
    meaning = "Wraps the data keys of identities: 32 bytes in base64url."
    assert f"| `PIR_MASTER_KEY` | {meaning} | referral | **needed** | yes |\n" in text
    assert "| `PIR_POOL_SIZE` | Connections to PostgreSQL that requests and batches share. | all | `5` |  |\n" in text
    assert re.search(r"\| `PIR_MEMBER_PROVIDERS` \|.*\| referral \| none \| yes \|\n", text)  # of a part of it


@pytest.mark.parametrize("settings", SERVICES.values(), ids=SERVICES)
def test_every_variable_has_a_meaning(settings: type[Settings]) -> None:
    fields = settings.model_fields.items()
    assert [variable_of(settings, name) for name, field in fields if not field.description] == []
