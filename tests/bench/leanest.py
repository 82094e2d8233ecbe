"""The leanest durable intake, to compare with: one process that validates, inserts one row, commits and answers 201."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

import asyncpg
import uvicorn
import uvloop

from services.referral.document.read import read_referral
from shared.ids import uuid7
from shared.strict_json import parse_json


async def main() -> None:
    """Serve on PORT; each request is one autocommitted INSERT on a pool of ten connections."""
    pool = await asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=10, max_size=10)
    await pool.execute("CREATE TABLE IF NOT EXISTS leanest (id uuid PRIMARY KEY, body bytea NOT NULL)")

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        read_referral(parse_json(body), now=datetime.now(UTC))
        await pool.execute("INSERT INTO leanest VALUES ($1, $2)", uuid7(), body)
        await send({"type": "http.response.start", "status": 201, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"{}"})

    config = uvicorn.Config(
        app,
        port=int(os.environ["PORT"]),
        http="httptools",
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="error",
    )
    await uvicorn.Server(config).serve()


if __name__ == "__main__":
    uvloop.run(main())
