"""Who of an agency signs in, as an operator says it at the machine: added, listed, ended at once, and written down."""

from __future__ import annotations

from typing import Any, Final

import pytest

from shared.audit import operator
from tests.integration.front import KEEPER, MEMBER, FrontSite
from tests.integration.referral.test_operator_commands import give
from tests.integration.support import count, fetch

NEW: Final = "new.colleague@health-visiting.example.org"
AGENCY: Final = "health-visiting"


def member(settings: dict[str, Any], *words: str) -> tuple[int, list[str]]:
    """The command; its code, and the lines that it said, without those of the log."""
    code, said = give(settings, "referral", "member", *words)
    return code, [line for line in said.splitlines() if line and not line.startswith("{")]


async def test_whoever_is_added_signs_in_and_whoever_is_ended_is_out_at_once(
    site: FrontSite, settings: dict[str, Any]
) -> None:
    assert member(settings, "add", AGENCY, NEW)[0] == 0
    browser = await site.signed_in(NEW)
    assert (await browser.open("/refer")).url.path == "/refer"
    assert member(settings, "list", AGENCY) == (0, [MEMBER, f"{KEEPER}  (keeper)", NEW])
    assert member(settings, "end", AGENCY, NEW)[0] == 0
    assert (await browser.open("/refer")).url.path == "/refer/sign-in"
    assert member(settings, "list", AGENCY) == (0, [MEMBER, f"{KEEPER}  (keeper)"])
    rows = await fetch(
        site.referral.engine,
        "SELECT actor_kind, actor_id, action, detail FROM audit WHERE action LIKE 'member.%' ORDER BY id DESC LIMIT 3",
    )
    by = ("operator", operator().id)
    assert [tuple(row)[:3] for row in rows if row.actor_kind == "operator"] == [
        (*by, "member.ended"),
        (*by, "member.added"),
    ]
    assert not any(NEW in (row.detail or "") for row in rows)


async def test_a_keeper_is_added_as_one(site: FrontSite, settings: dict[str, Any]) -> None:
    assert member(settings, "add", "nursery", "keeper@nursery.example.org", "--keeper")[0] == 0
    assert "keeper@nursery.example.org  (keeper)" in member(settings, "list", "nursery")[1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("add", "no-such-agency", NEW), "there is no active agency 'no-such-agency'"),
        (("add", "nursery", MEMBER), "somebody with that address can sign in already"),
        (("end", "nursery", MEMBER), "nursery has no such member"),
        (("list", "no-such-agency"), "there is no agency 'no-such-agency'"),
    ],
)
async def test_what_can_not_be_done_is_said_and_changes_nothing(
    site: FrontSite, settings: dict[str, Any], words: tuple[str, ...], said: str
) -> None:
    before = await count(site.referral.engine, "member WHERE ended_at IS NULL")
    code, lines = member(settings, *words)
    assert (code, said in lines) == (1, True), lines
    assert await count(site.referral.engine, "member WHERE ended_at IS NULL") == before
