"""The page of all variables is that of the code."""

from __future__ import annotations

from deploy.variables import FILE, written


def test_the_page_shows_the_settings_of_the_code() -> None:
    text = FILE.read_text(encoding="utf-8")
    assert written(text) == text, "write it again: python -m deploy.variables"
    assert "| `PIR_MASTER_KEY` | referral | **needed** | yes |\n" in text
    assert "| `PIR_POOL_SIZE` | all | `5` |  |\n" in text
    assert "| `PIR_MEMBER_PROVIDERS` | referral | none | yes |\n" in text
