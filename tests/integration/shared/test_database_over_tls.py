"""One DSN for all that connects to PostgreSQL: TLS, several hosts, and which of them takes writes.

The embedded PostgreSQL is built without TLS: a proxy of the tests speaks it for the server, as PostgreSQL would.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
import sqlalchemy as sa

from deploy.migrate import migrate
from deploy.roles import as_service
from shared.database import engine_of
from tests.secure_kafka import certify
from tests.servers import PASSWORDS

NOBODY_LISTENS = "127.0.0.1:1"
WANTS_TLS = bytes.fromhex("0000000804d2162f")
"""SSLRequest, the first that a client sends; the server answers S or N."""


@dataclass
class Front:
    """Where TLS ends, in front of the server of `database`; `entered` by so many connections."""

    database: str
    certificate: Path
    port: int = 0
    entered: int = 0

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readexactly(8) == WANTS_TLS
        writer.write(b"S")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate)
        try:
            await writer.start_tls(context)
        except (OSError, ssl.SSLError):  # the other side does not believe us
            writer.close()
            return
        self.entered += 1
        behind = urlsplit(self.database)
        from_server, to_server = await asyncio.open_connection(behind.hostname, behind.port)
        await asyncio.gather(_pass_on(reader, to_server), _pass_on(from_server, writer))


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while part := await reader.read(65_536):
            writer.write(part)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


@asynccontextmanager
async def front_of(database: str, folder: Path) -> AsyncIterator[Front]:
    certify(folder / "ca.pem", folder / "own.pem")
    front = Front(database, folder / "own.pem")
    async with await asyncio.start_server(front.take, "127.0.0.1", 0) as server:
        front.port = server.sockets[0].getsockname()[1]
        yield front


def dsn_of(front: Front, ca_file: Path) -> str:
    """A host that is not there, then the one that is; its certificate is looked at."""
    parts = urlsplit(front.database)
    places = f"{NOBODY_LISTENS},127.0.0.1:{front.port}"
    return (
        f"postgresql://{parts.username}:{parts.password}@{places}{parts.path}"
        f"?sslmode=verify-full&sslrootcert={ca_file}&target_session_attrs=read-write"
    )


async def test_engine_driver_and_deploy_step_take_the_same(database: str, tmp_path: Path) -> None:
    async with front_of(database, tmp_path) as front:
        dsn = dsn_of(front, tmp_path / "ca.pem")
        await asyncio.to_thread(migrate, dsn, passwords=PASSWORDS)
        assert front.entered == 1
        own = as_service(dsn, "triage", PASSWORDS["triage"])
        engine = engine_of(own, "triage")
        async with engine.connect() as tx:
            assert await tx.scalar(sa.text("SELECT count(*) FROM work_item")) == 0
        await engine.dispose()
        driver = await asyncpg.connect(own, timeout=5)
        assert await driver.fetchval("SELECT current_user") == "pir_triage"
        await driver.close()
        assert front.entered == 3


async def test_a_server_of_another_authority_is_not_believed(database: str, tmp_path: Path) -> None:
    certify(tmp_path / "another.pem", tmp_path / "unused.pem")
    async with front_of(database, tmp_path) as front:
        engine = engine_of(dsn_of(front, tmp_path / "another.pem"), "triage")
        with pytest.raises((OSError, sa.exc.SQLAlchemyError)):
            await engine.connect().__aenter__()
        await engine.dispose()
        assert front.entered == 0
