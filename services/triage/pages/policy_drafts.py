"""Drafts of a policy: send one in, read it, see what it would change, take it home as a file, discard it.

Nobody puts a draft live from here: the page says how that is done.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from services.triage import policies, policy_preview
from services.triage.pages.draft_forms import NewDraft, Span
from services.triage.pages.policy_changes import shown_changes
from services.triage.pages.room import Room
from services.triage.policies import Kept
from services.triage.policy_words import differences, sections
from shared import audit
from shared.access import Permission
from shared.audit import Actor, Entry
from shared.problems import Problem
from shared.sign_in import Visitor, read_form, visitor

Reader = Annotated[Visitor, Depends(visitor(Permission.READ_POLICY))]
Drafter = Annotated[Visitor, Depends(visitor(Permission.DRAFT_POLICY))]
Comparer = Annotated[Visitor, Depends(visitor(Permission.REPLAY_POLICY))]


def add(routes: APIRouter, room: Room) -> None:
    _add_making(routes, room)
    _add_reading(routes, room)
    one_at_a_time = asyncio.Lock()  # a comparison takes seconds of the processor that live referrals need too

    @routes.post("/policy/drafts/{draft_id}/compare")
    async def compare(request: Request, draft_id: UUID, who: Comparer) -> Response:
        span = Span.read(await read_form(request, who))
        draft = await _draft(room, draft_id)
        if span.mistakes or draft.policy is None:
            return await _show(request, room, draft, who, span=span, status=422)
        async with room.engine.begin() as tx:
            await audit.write(tx, [_entry(room, who, "policy.compared", draft)])
        async with one_at_a_time, room.engine.connect() as tx:
            changes = await policy_preview.replay(tx, draft.policy, since=span.since, until=span.until)
        shown = shown_changes(changes, draft.policy, room.steps.policy, room.policies.values())
        return room.pages.render(request, "policy_changes.html", kept=draft, span=span, changes=changes, shown=shown)


def _add_making(routes: APIRouter, room: Room) -> None:
    @routes.get("/policy/drafts/new")
    async def new_draft(request: Request, _: Drafter) -> Response:
        return room.pages.render(request, "policy_new.html", filled=NewDraft())

    @routes.post("/policy/drafts/new")
    async def keep_draft(request: Request, who: Drafter) -> Response:
        filled, policy = await NewDraft.read(await read_form(request, who))
        if policy is None:
            return room.pages.render(request, "policy_new.html", status=422, filled=filled, errors=filled.summary)
        now, staff = room.now(), who.staff
        async with room.engine.begin() as tx:
            draft_id = await policies.keep_draft(tx, policy, filled.content, note=filled.note, by=staff.id, at=now)
            detail = f"{policy.id}/{policy.version}"
            await audit.write(tx, [Entry(Actor("staff", staff.id), "policy.drafted", now, detail=detail)])
        return RedirectResponse(f"/staff/policy/drafts/{draft_id}?done=draft-kept", 303)

    @routes.post("/policy/drafts/{draft_id}/discard")
    async def discard(request: Request, draft_id: UUID, who: Drafter) -> Response:
        await read_form(request, who)
        draft = await _draft(room, draft_id)
        async with room.engine.begin() as tx:
            if await policies.discard_draft(tx, draft_id):
                await audit.write(tx, [_entry(room, who, "policy.discarded", draft)])
        return RedirectResponse("/staff/policy?done=draft-dropped", 303)


def _add_reading(routes: APIRouter, room: Room) -> None:
    @routes.get("/policy/drafts/{draft_id}")
    async def one_draft(request: Request, draft_id: UUID, who: Reader) -> Response:
        return await _show(request, room, await _draft(room, draft_id), who, span=Span())

    @routes.get("/policy/drafts/{draft_id}/file")
    async def its_file(draft_id: UUID, _: Reader) -> Response:
        draft = await _draft(room, draft_id)
        return as_file(draft.content, f"{draft.ref}-{draft.version}-draft.toml")


async def _show(request: Request, room: Room, draft: Kept, who: Visitor, *, span: Span, status: int = 200) -> Response:
    async with room.engine.connect() as tx:
        same = await policies.version_of(tx, draft.ref, draft.version)
    policy = draft.policy
    return room.pages.render(
        request,
        "policy_draft.html",
        status=status,
        kept=draft,
        live=room.steps.policy,
        sections=sections(policy) if policy else (),
        differences=differences(room.steps.policy, policy) if policy else (),
        is_taken=_is_taken(draft, same),
        span=span,
        errors=span.summary,
        may_compare=who.staff.may(Permission.REPLAY_POLICY),
        may_discard=who.staff.may(Permission.DRAFT_POLICY),
    )


def _is_taken(draft: Kept, same: Kept | None) -> bool:
    """Whether decisions were made with another content under the draft's id and version."""
    if same is None or same.policy is None or draft.policy is None:
        return same is not None
    return policies.canonical(same.policy) != policies.canonical(draft.policy)


async def _draft(room: Room, draft_id: UUID) -> Kept:
    async with room.engine.connect() as tx:
        draft = await policies.draft_of(tx, draft_id)
    if draft is None:
        raise Problem("not-found", "There is no such draft. It may have been discarded.")
    return draft


def _entry(room: Room, who: Visitor, action: str, draft: Kept) -> Entry:
    return Entry(Actor("staff", who.staff.id), action, room.now(), detail=f"{draft.ref}/{draft.version}")


def as_file(content: str, name: str) -> Response:
    """The TOML to save; `name` is made of a policy's id and version, which are letters, digits and hyphens."""
    headers: dict[str, Any] = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(content, headers=headers, media_type="application/toml")
