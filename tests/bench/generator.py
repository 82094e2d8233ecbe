"""A lean load generator: raw HTTP/1.1 over asyncio streams, bodies made beforehand, so that it costs little itself."""

from __future__ import annotations

import asyncio
import json
import random
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

SAMPLE = Path(__file__).parents[1] / "data" / "referral.json"


def families(count: int, seed: int) -> list[bytes]:
    """Bodies of that many different families."""
    chance = random.Random(seed)
    text = SAMPLE.read_text(encoding="utf-8")
    now = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(time.time() - 3600))
    text = text.replace("{today-150d}", "2026-01-01").replace("{now-1h}", now)
    bodies = []
    for _ in range(count):
        document = json.loads(text)
        name = "".join(chance.choices("abcdefghijklmnoprstuvwy", k=10)).title()
        document["external_reference"] = f"B-{uuid.uuid4().hex[:16]}"
        born = date.today() - timedelta(chance.randint(30, 500))  # noqa: DTZ011  any recent day will do
        document["babies"][0] |= {"family_name": name, "date_of_birth": born.isoformat()}
        document["babies"][0].pop("nhs_number")
        document["caregivers"][0] |= {"family_name": name, "phone": f"07700 900{chance.randrange(1000):03d}"}
        document["caregivers"][1] |= {"family_name": name}
        bodies.append(json.dumps(document).encode())
    return bodies


@dataclass
class Sent:
    """What came of a run: the seconds each accepted request took, and how many were not accepted."""

    seconds: list[float] = field(default_factory=list)
    refused: int = 0
    references: list[str] = field(default_factory=list)

    def percentile(self, share: float) -> float:
        """In milliseconds."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000


class Connection:
    """One keep-alive connection that posts one body after another."""

    def __init__(self, url: str, key: str) -> None:
        self._url = urlsplit(url)
        self._key = key

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection(self._url.hostname, self._url.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    async def post(self, body: bytes) -> tuple[int, bytes]:
        """The status and body of the answer."""
        head = (
            f"POST {self._url.path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {self._key}\r\nIdempotency-Key: {uuid.uuid4().hex}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        self._writer.write(head.encode() + body)
        raw = await self._reader.readuntil(b"\r\n\r\n")
        length = int(raw.lower().split(b"content-length: ", 1)[1].split(b"\r\n", 1)[0])
        return int(raw[9:12]), await self._reader.readexactly(length)


async def burst(url: str, key: str, bodies: Sequence[bytes], connections: int) -> Sent:
    """Post all bodies as fast as the answers come, over that many connections."""
    sent, left = Sent(), iter(bodies)

    async def worker() -> None:
        async with Connection(url, key) as connection:
            for body in left:
                started = time.perf_counter()
                status, _ = await connection.post(body)
                if status == 201:
                    sent.seconds.append(time.perf_counter() - started)
                else:
                    sent.refused += 1

    await asyncio.gather(*(worker() for _ in range(connections)))
    return sent
