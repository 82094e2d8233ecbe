"""Mail as files, for development: `<folder>/<message id>.eml`, whole or not there."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from services.notify.mail import Mail
from services.notify.senders import HANDED_OVER, Outcome


class Files:
    """A second try after a crash writes the same file again: the name is the message's id."""

    batch = 200

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def send(self, mails: Sequence[Mail]) -> list[Outcome]:
        """Write each in a thread, all in one go; a full disk or missing rights fail the mail, to be tried again."""
        return await asyncio.to_thread(self._write_all, mails)

    def _write_all(self, mails: Sequence[Mail]) -> list[Outcome]:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            return [_failed(error)] * len(mails)
        return [self._write(mail) for mail in mails]

    def _write(self, mail: Mail) -> Outcome:
        half = self._folder / f".{mail.id}.tmp"
        try:
            half.write_bytes(mail.content)
            half.replace(self._folder / f"{mail.id}.eml")
        except OSError as error:
            return _failed(error)
        return HANDED_OVER


def _failed(error: OSError) -> Outcome:
    return Outcome(f"disk-{error.errno}")
