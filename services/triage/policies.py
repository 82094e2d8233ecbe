"""Versions of the policy as triage keeps them: those that decisions were made with, and drafts. Rows and comparisons.

A version is kept as its file stood, comments and all; what is compared is what it means, not how it is written.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.triage.policy_errors import HIGHEST_VERSION, UnusableDraftError, read_draft
from shared.database import sql
from shared.ids import uuid7
from shared.policy import InvalidPolicyError, Policy

BY_DEPLOYMENT: Final = "deployment"
"""Who keeps the versions that come as files."""
SHOWN: Final = 200
"""So many versions are listed, the latest first."""


@dataclass(frozen=True)
class Kept:
    """One version or draft; `content` is its TOML. `by` is a staff id, or the deployment; `name` theirs if known."""

    id: UUID
    ref: str
    version: int
    state: str
    content: str
    at: datetime
    by: str
    name: str | None
    note: str

    @cached_property
    def policy(self) -> Policy | None:
        """None when it was kept in a shape that today's code can't read any more: its text is there still."""
        try:
            return read_draft(self.content)
        except UnusableDraftError:
            return None


def canonical(policy: Policy) -> str:
    """The meaning of a policy alone: neither comments nor the order of its members."""
    return json.dumps(policy.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)


def texts_of(folder: Path) -> dict[str, str]:
    """The files of a folder that `load_all` has accepted, as they stand, by the id in each."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.toml"))]
    return {str(tomllib.loads(text)["id"]): text for text in texts}


async def keep_versions(
    tx: AsyncConnection, policies: Mapping[str, Policy], texts: Mapping[str, str], *, in_force: Policy, at: datetime
) -> None:
    """Keep every policy that was loaded, and say which one is in force. Raises InvalidPolicyError as `keep_version`."""
    for name in sorted(policies):  # the same order everywhere: two copies may start at once
        await keep_version(tx, policies[name], texts[name], at=at)
    await tx.execute(
        sql("""
            UPDATE policy_version SET state = CASE WHEN policy = :policy AND version = :version THEN 'live'
                                                   ELSE 'retired' END
            WHERE state <> 'draft' AND (state = 'live') <> (policy = :policy AND version = :version)
        """),
        {"policy": in_force.id, "version": in_force.version},
    )


async def keep_version(tx: AsyncConnection, policy: Policy, content: str, *, at: datetime) -> None:
    """Keep a version once. Raises InvalidPolicyError when another content was kept under its id and version."""
    await _insert(tx, policy, content, state="retired", by=BY_DEPLOYMENT, at=at)
    kept = await version_of(tx, policy.id, policy.version)
    if kept is None or kept.policy is None or canonical(kept.policy) != canonical(policy):
        raise InvalidPolicyError(
            f"{policy.id} version {policy.version} differs from the version {policy.version} that decisions were made "
            "with: raise its version"
        )


async def keep_draft(tx: AsyncConnection, policy: Policy, content: str, *, note: str, by: str, at: datetime) -> UUID:
    """Keep a draft, beside any other of the same id and version; returns its id."""
    return await _insert(tx, policy, content, state="draft", note=note, by=by, at=at)


async def _insert(
    tx: AsyncConnection, policy: Policy, content: str, *, state: str, note: str = "", by: str, at: datetime
) -> UUID:
    """A version that is kept already stays as it is."""
    row_id = uuid7()
    await tx.execute(
        sql("""
            INSERT INTO policy_version (id, policy, version, state, content, kept_at, kept_by, note)
            VALUES (:id, :policy, :version, :state, :content, :at, :by, :note)
            ON CONFLICT (policy, version) WHERE state <> 'draft' DO NOTHING
        """),
        {"id": row_id, "policy": policy.id, "version": policy.version, "state": state, "content": content}
        | {"at": at, "by": by, "note": note},
    )
    return row_id


async def discard_draft(tx: AsyncConnection, draft_id: UUID) -> bool:
    """Drop a draft; False when there is none (any more). What was in force stays for ever."""
    gone = await tx.execute(sql("DELETE FROM policy_version WHERE id = :id AND state = 'draft'"), {"id": draft_id})
    return bool(gone.rowcount)


async def draft_of(tx: AsyncConnection, draft_id: UUID) -> Kept | None:
    return await _one(tx, "p.id = :id AND p.state = 'draft'", id=draft_id)


async def version_of(tx: AsyncConnection, policy: str, version: int) -> Kept | None:
    """A version that decisions may name; never a draft."""
    if not 0 < version <= HIGHEST_VERSION:
        return None
    condition = "p.policy = :policy AND p.version = :version AND p.state <> 'draft'"
    return await _one(tx, condition, policy=policy, version=version)


_KEPT: Final = """
    SELECT p.id, p.policy, p.version, p.state, p.kept_at, p.kept_by, p.note, c.name{}
    FROM policy_version p LEFT JOIN colleague c ON c.id = p.kept_by
"""


async def _one(tx: AsyncConnection, condition: str, **asked: Any) -> Kept | None:
    found = await tx.execute(sql(f"{_KEPT.format(', p.content')} WHERE {condition}"), asked)
    row = found.one_or_none()
    if row is None:
        return None
    return Kept(row.id, row.policy, row.version, row.state, row.content, row.kept_at, row.kept_by, row.name, row.note)


async def kept_versions(tx: AsyncConnection) -> Sequence[sa.Row[Any]]:
    """Every version and draft, the latest first, without their content."""
    latest = f"{_KEPT.format('')} ORDER BY p.kept_at DESC, p.id DESC LIMIT :limit"
    return (await tx.execute(sql(latest), {"limit": SHOWN})).all()
