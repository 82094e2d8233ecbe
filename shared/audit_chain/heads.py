"""The head of the chain, signed and sent out of the database: to a file, and to the log, from where others take it.

Whoever can write to the whole database can make the whole chain anew; what has left the database shows it.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import structlog
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.crypto import read_key
from shared.database import sql

log = structlog.get_logger(__name__)

SEND_SECONDS: Final = 3600.0


class HeadsError(Exception):
    """The file can't be read, or a line of it is not ours; the message says which."""


@dataclass(frozen=True, slots=True)
class SignedHead:
    """Of one service: the head of seal `number` in hex, when it was signed (ISO 8601), and the signature in hex."""

    service: str
    number: int
    head: str
    at: str
    signature: str

    @classmethod
    def made(cls, key: bytes, *, service: str, number: int, head: bytes, at: datetime) -> SignedHead:
        words = _words(service, number, head.hex(), at.isoformat())
        signature = Ed25519PrivateKey.from_private_bytes(key).sign(words)
        return cls(service, number, head.hex(), at.isoformat(), signature.hex())

    def is_signed_by(self, public: bytes) -> bool:
        """By the private key that belongs to these 32 bytes."""
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(
                bytes.fromhex(self.signature), _words(self.service, self.number, self.head, self.at)
            )
        except (InvalidSignature, ValueError):
            return False
        return True


def _words(service: str, number: int, head: str, at: str) -> bytes:
    """What is signed; no part but the last can have a space in it."""
    return f"pir audit head {service} {number} {head} {at}".encode()


def public_key_of(key: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(key).public_key().public_bytes_raw()


def as_text(public: bytes) -> str:
    """As `audit public-key` shows it and `--public-key` takes it: base64url."""
    return base64.urlsafe_b64encode(public).decode()


class HeadSender:
    """Sends the head of one service each hour, when there is another; `run()` never returns by itself.

    Each copy sends: on another machine it has another file. After a start the last head is sent once more.
    """

    def __init__(self, engine: AsyncEngine, schema: str, *, key: str, file: Path) -> None:
        """`key` is 32 bytes in base64url, the private key of Ed25519."""
        self._engine = engine
        self._schema = schema
        self._key = read_key(key)
        self._file = file
        self._sent = 0

    async def run(self) -> None:
        while True:
            await self.send(now=datetime.now(UTC))
            await asyncio.sleep(SEND_SECONDS)

    async def send(self, *, now: datetime) -> SignedHead | None:
        """None when nothing was sealed since the last time. Raises OSError when the file can't be written."""
        async with self._engine.connect() as tx:
            last = (await tx.execute(sql("SELECT number, head FROM audit_seal ORDER BY number DESC LIMIT 1"))).first()
        if last is None or last.number == self._sent:
            return None
        head = SignedHead.made(self._key, service=self._schema, number=last.number, head=last.head, at=now)
        log.info("audit head", number=head.number, head=head.head, at=head.at, signature=head.signature)
        await asyncio.to_thread(append, self._file, head)
        self._sent = head.number
        return head


def append(file: Path, head: SignedHead) -> None:
    """A line of JSON, on the disk when this returns; the services may share one file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("ab", buffering=0) as out:
        out.write(json.dumps(asdict(head)).encode() + b"\n")
        os.fsync(out.fileno())


def sent(file: Path, *, service: str, public: Sequence[bytes]) -> Iterator[tuple[int, SignedHead]]:
    """Each line of this service with its number in the file; raises HeadsError.

    Lines may have more in them, as those of the log have. `public` are the keys of which one has to have signed.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise HeadsError(f"{file}: {error.strerror}") from error
    for place, line in enumerate(lines, 1):
        try:
            members = json.loads(line)
            head = SignedHead(**{each.name: members[each.name] for each in fields(SignedHead)})
        except (ValueError, KeyError, TypeError):
            raise HeadsError(f"{file}, line {place}: this is no head") from None
        if head.service != service:
            continue
        if not any(head.is_signed_by(key) for key in public):
            raise HeadsError(f"{file}, line {place}: it was changed, or signed with another key")
        yield place, head
