"""The team at work: the steps of ways.py through triage's own API, as the development staff."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Final

import httpx

from deploy.demo.ways import LEAD, LOOK, Item, Move, Way
from shared.events import Route

AT_ONCE: Final = 8
SECONDS: Final = 30.0


class Team:
    """`tokens` are those of the development staff, by role."""

    def __init__(self, triage_url: str, tokens: dict[str, str]) -> None:
        self._client = httpx.AsyncClient(
            base_url=triage_url, timeout=SECONDS, limits=httpx.Limits(max_connections=AT_ONCE)
        )
        self._tokens = tokens
        self._hands = asyncio.Semaphore(AT_ONCE)

    async def close(self) -> None:
        await self._client.aclose()

    async def leave_no_place(self, route: Route) -> None:
        """The lead offers as many individual places as are taken."""
        routes = (await self._ask("GET", "/capacity", who=LEAD)).raise_for_status().json()["routes"]
        known = next(each for each in routes if each["route"] == route)
        places = {"individual": known["individual"]["used"], "group": known["group"]["places"]}
        (await self._ask("PUT", f"/capacity/{route}", who=LEAD, json=places)).raise_for_status()

    async def go(self, ways: Iterable[tuple[Item, Way]]) -> list[tuple[Item, Move]]:
        """Go each item's way, several at once; returns the steps that were taken."""
        taken = await asyncio.gather(*(self._go(item, way) for item, way in ways))
        return [each for steps in taken for each in steps]

    async def _go(self, item: Item, way: Way) -> list[tuple[Item, Move]]:
        """Up to the first step that is not possible any more: another item of the family may have ended this one."""
        taken = []
        async with self._hands:
            for move in way:
                if not await self._take(item, move):
                    break
                taken.append((item, move))
        return taken

    async def _take(self, item: Item, move: Move) -> bool:
        """False when the step is not possible."""
        path = f"/work-items/{item.id}"
        if move.step == LOOK:
            answer = await self._ask("GET", path, who=move.who)
        else:
            answer = await self._ask("POST", f"{path}/{move.step}", who=move.who, json=move.body)
        if answer.status_code == httpx.codes.CONFLICT:
            return False
        answer.raise_for_status()
        return True

    async def _ask(self, method: str, path: str, *, who: str, **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._tokens[who]}"}
        return await self._client.request(method, path, headers=headers, **more)
