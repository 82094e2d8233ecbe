"""The policy in words: the one in force, every version that decisions were made with, and drafts.

A draft is sent in, read, compared, taken home as a file, discarded. Nobody puts one live from here: its page says how
that is done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Final, Self
from uuid import UUID

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import UploadFile

from services.triage import policies, policy_preview
from services.triage.pages.context import Visit, who_may
from services.triage.pages.forms import TypedDay, error_summary, in_london, noted, text_in
from services.triage.pages.referral.decision_view import shown_changes
from services.triage.policies import Kept
from services.triage.policy_errors import UnusableDraftError, read_draft
from services.triage.policy_text import differences, sections
from shared import audit
from shared.access import Permission
from shared.policy import Policy
from shared.problems import Problem

Reader = Annotated[Visit, who_may(Permission.READ_POLICY)]
Drafter = Annotated[Visit, who_may(Permission.DRAFT_POLICY)]
Comparer = Annotated[Visit, who_may(Permission.REPLAY_POLICY)]

routes = APIRouter(prefix="/staff", include_in_schema=False)

LONGEST_NOTE: Final = 1_000
MOST_SHOWN: Final = 200
"""So many mistakes are listed; what is left is counted."""
NOTHING_NEW: Final = "This is the policy in force: nothing is changed. Change it, raise its version, and send it again"
SPAN: Final = frozenset({"first", "last"})


@dataclass(frozen=True)
class NewDraft:
    """What was sent: `content` has the lines of a file, whatever it came as. Mistakes by the box they belong to."""

    content: str = ""
    note: str = ""
    mistakes: list[tuple[str, str]] = field(default_factory=list)

    @property
    def summary(self) -> list[dict[str, str]]:
        shown = [{"text": words, "href": f"#{box}"} for box, words in self.mistakes[:MOST_SHOWN]]
        left = len(self.mistakes) - len(shown)
        return [*shown, *([{"text": f"And {left:,} more mistakes", "href": "#content"}] if left else [])]

    def of(self, box: str) -> str:
        """What is wrong with one box, in a line above it."""
        found = [words for where, words in self.mistakes if where == box]
        return found[0] if len(found) == 1 else f"{len(found):,} mistakes: see the list at the top" if found else ""

    @classmethod
    async def read(cls, form: Mapping[str, Any]) -> tuple[Self, Policy | None]:
        """The draft, and its policy when there is no mistake. Parsed in a thread: nobody waits for an odd file."""
        note = "\n".join(text_in(form, "note").splitlines())
        content, mistakes = await _content(form)
        if len(note) > LONGEST_NOTE:
            mistakes.append(("note", f"Shorten the note to {LONGEST_NOTE:,} characters"))
        if not all(char.isprintable() or char == "\n" for char in note):
            mistakes.append(("note", "Take the hidden characters out of the note"))
        policy = None
        if content:
            try:
                policy = await asyncio.to_thread(read_draft, content)
            except UnusableDraftError as error:
                mistakes += [("content", words.removesuffix(".")) for words in error.mistakes]
        return cls(content, note, mistakes), None if mistakes else policy


async def _content(form: Mapping[str, Any]) -> tuple[str, list[tuple[str, str]]]:
    """The text of the file or the box, and what is wrong with having both or neither."""
    file = form.get("file")
    sent = await file.read() if isinstance(file, UploadFile) else b""
    pasted = text_in(form, "content")
    try:
        text = sent.decode("utf-8-sig")
    except UnicodeDecodeError:
        return pasted, [("file", "The file is not plain text in UTF-8. Choose another one")]
    if text.strip() and pasted:
        return pasted, [("file", "Choose a file or paste the text, not both")]
    content = (text if text.strip() else pasted).replace("\r\n", "\n").strip("\n")
    return (f"{content}\n", []) if content.strip() else ("", [("file", "Choose a file, or paste the text of a policy")])


@dataclass(frozen=True)
class Span:
    """From a day to a day (both in, London), either of them open; None and None: every stored referral."""

    first: TypedDay = field(default_factory=TypedDay)
    last: TypedDay = field(default_factory=TypedDay)
    since: datetime | None = None
    until: datetime | None = None
    mistakes: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, form: Mapping[str, Any]) -> Self:
        typed = cls(first=TypedDay.of(form, "first"), last=TypedDay.of(form, "last"))
        first, last = (
            None if day.is_empty else noted(typed.mistakes, box, day.read)
            for box, day in (("first", typed.first), ("last", typed.last))
        )
        if typed.mistakes:
            return typed
        if first and last and first > last:
            return replace(typed, mistakes={"last": "The last day must not be before the first"})
        until = None
        if last and last < date.max:  # there is no day after the last one of the calendar
            until = in_london(last + timedelta(days=1))
        return replace(typed, since=in_london(first) if first else None, until=until)


@routes.get("/policy")
async def in_force(visit: Reader) -> Response:
    async with visit.engine.connect() as tx:
        rows = await policies.kept_versions(tx)
    return visit.render(
        "policy/policy.html",
        policy=visit.policy,
        sections=sections(visit.policy),
        versions=[row for row in rows if row.state != "draft"],
        drafts=[row for row in rows if row.state == "draft"],
        may_draft=visit.may(Permission.DRAFT_POLICY),
    )


# Drafts come before versions: `drafts` would be read as the name of a policy.


@routes.get("/policy/drafts/new")
async def new_draft(visit: Drafter) -> Response:
    return visit.render("policy/new.html", filled=NewDraft())


@routes.post("/policy/drafts/new")
async def keep_draft(visit: Drafter) -> Response:
    filled, policy = await NewDraft.read(await visit.form())
    if policy is not None and policies.canonical(policy) == policies.canonical(visit.policy):
        filled.mistakes.append(("content", NOTHING_NEW))
        policy = None
    if policy is None:
        return visit.render("policy/new.html", status=422, filled=filled, errors=filled.summary)
    by, at = visit.staff.id, visit.now
    async with visit.engine.begin() as tx:
        draft_id = await policies.keep_draft(tx, policy, filled.content, note=filled.note, by=by, at=at)
        await audit.write(tx, [visit.entry("policy.drafted", f"{policy.id}/{policy.version}")])
    return RedirectResponse(f"/staff/policy/drafts/{draft_id}?done=draft-kept", 303)


@routes.post("/policy/drafts/{draft_id}/compare")
async def compare(visit: Comparer, draft_id: UUID) -> Response:
    span = Span.read(await visit.form())
    draft = await _draft(visit, draft_id)
    if span.mistakes or draft.policy is None:
        return await _show(visit, draft, span=span, status=422)
    async with visit.engine.begin() as tx:
        await audit.write(tx, [visit.entry("policy.compared", f"{draft.ref}/{draft.version}")])
    async with visit.context.replay_lock, visit.engine.connect() as tx:
        changes = await policy_preview.replay(tx, draft.policy, since=span.since, until=span.until)
    shown = shown_changes(changes, draft.policy, visit.policy, visit.context.policies.values())
    return visit.render("policy/changes.html", kept=draft, span=span, changes=changes, shown=shown)


@routes.post("/policy/drafts/{draft_id}/discard")
async def discard(visit: Drafter, draft_id: UUID) -> Response:
    await visit.form()
    draft = await _draft(visit, draft_id)
    async with visit.engine.begin() as tx:
        if await policies.discard_draft(tx, draft_id):
            await audit.write(tx, [visit.entry("policy.discarded", f"{draft.ref}/{draft.version}")])
    return RedirectResponse("/staff/policy?done=draft-dropped", 303)


@routes.get("/policy/drafts/{draft_id}")
async def one_draft(visit: Reader, draft_id: UUID) -> Response:
    return await _show(visit, await _draft(visit, draft_id), span=Span())


@routes.get("/policy/drafts/{draft_id}/file")
async def file_of_draft(visit: Reader, draft_id: UUID) -> Response:
    return _as_file(await _draft(visit, draft_id), "-draft")


@routes.get("/policy/{name}/{version}")
async def one_version(visit: Reader, name: str, version: int) -> Response:
    kept = await _version(visit, name, version)
    return visit.render("policy/version.html", kept=kept, sections=sections(kept.policy) if kept.policy else ())


@routes.get("/policy/{name}/{version}/file")
async def file_of_version(visit: Reader, name: str, version: int) -> Response:
    return _as_file(await _version(visit, name, version))


async def _show(visit: Visit, draft: Kept, *, span: Span, status: int = 200) -> Response:
    """A draft with what differs from the policy in force.

    It is taken when decisions were made with another content under its id and version.
    """
    async with visit.engine.connect() as tx:
        same = await policies.version_of(tx, draft.ref, draft.version)
    policy, other = draft.policy, same.policy if same else None
    is_same = policy and other and policies.canonical(other) == policies.canonical(policy)
    return visit.render(
        "policy/draft.html",
        status=status,
        kept=draft,
        live=visit.policy,
        sections=sections(policy) if policy else (),
        differences=differences(visit.policy, policy) if policy else (),
        is_taken=same is not None and not is_same,
        span=span,
        errors=error_summary(span.mistakes, days=SPAN),
        may_compare=visit.may(Permission.REPLAY_POLICY),
        may_discard=visit.may(Permission.DRAFT_POLICY),
    )


async def _draft(visit: Visit, draft_id: UUID) -> Kept:
    async with visit.engine.connect() as tx:
        draft = await policies.draft_of(tx, draft_id)
    if draft is None:
        raise Problem("not-found", "There is no such draft. It may have been discarded.")
    return draft


async def _version(visit: Visit, name: str, version: int) -> Kept:
    async with visit.engine.connect() as tx:
        kept = await policies.version_of(tx, name, version)
    if kept is None:
        raise Problem("not-found", "No such version of the policy is kept.")
    return kept


def _as_file(kept: Kept, suffix: str = "") -> Response:
    """The TOML to save; a policy's id and version, which make its name, are letters, digits and hyphens."""
    name = f"{kept.ref}-{kept.version}{suffix}.toml"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(kept.content, headers=headers, media_type="application/toml")
