"""The policy in words: the one in force, every version that decisions were made with, and drafts (policy_drafts.py)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from services.triage import policies
from services.triage.pages import policy_drafts
from services.triage.pages.policy_drafts import as_file
from services.triage.pages.room import Room
from services.triage.policies import Kept
from services.triage.policy_words import sections
from shared.access import Permission
from shared.problems import Problem
from shared.sign_in import Visitor, visitor

Reader = Annotated[Visitor, Depends(visitor(Permission.READ_POLICY))]


def add(routes: APIRouter, room: Room) -> None:
    """Drafts come first: `drafts` would be read as the name of a policy."""
    policy_drafts.add(routes, room)

    @routes.get("/policy")
    async def in_force(request: Request, who: Reader) -> Response:
        async with room.engine.connect() as tx:
            rows = await policies.kept_versions(tx)
        policy = room.steps.policy
        return room.pages.render(
            request,
            "policy.html",
            policy=policy,
            sections=sections(policy),
            versions=[row for row in rows if row.state != "draft"],
            drafts=[row for row in rows if row.state == "draft"],
            may_draft=who.staff.may(Permission.DRAFT_POLICY),
        )

    @routes.get("/policy/{name}/{version}")
    async def one_version(request: Request, name: str, version: int, _: Reader) -> Response:
        kept = await _kept(room, name, version)
        shown = sections(kept.policy) if kept.policy else ()
        return room.pages.render(request, "policy_version.html", kept=kept, sections=shown)

    @routes.get("/policy/{name}/{version}/file")
    async def its_file(name: str, version: int, _: Reader) -> Response:
        kept = await _kept(room, name, version)
        return as_file(kept.content, f"{kept.ref}-{kept.version}.toml")


async def _kept(room: Room, name: str, version: int) -> Kept:
    async with room.engine.connect() as tx:
        kept = await policies.version_of(tx, name, version)
    if kept is None:
        raise Problem("not-found", "No such version of the policy is kept.")
    return kept
