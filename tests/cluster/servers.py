"""What runs on the machines of the cluster: brokers that copy one another, a primary with its standby, and the proxy."""

from __future__ import annotations

import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any, Final

import asyncpg

from deploy.local import debian, kafka_settings, nobody
from deploy.local.console import LocalError
from deploy.local.kafka import Kafka, ask_brokers
from deploy.local.postgres import PASSING, SETTINGS, USER, Postgres
from deploy.local.server import Server
from deploy.local.services import DEFAULT_PORTS
from shared.settings import ROOT
from tests.cluster.network import Machine, Net

KAFKA_PORT, CONTROLLER_PORT, POSTGRES_PORT = 9092, 9093, 5432
HAPROXY: Final = ("haproxy", "liblua5.3-0", "libopentracing-c-wrapper0", "libopentracing1")
UNPACKED: Final = ROOT / ".tools" / "haproxy"
ISR_SECONDS: Final = 10
"""After so long without a word of it a copy is no longer waited for (`replica.lag.time.max.ms`; Kafka's own: 30)."""


class Broker(Kafka):
    """One of several, each a controller too; topics of their own are copied to `copies` of them."""

    def __init__(self, state: Path, machine: Machine, voters: dict[int, Machine], cluster: str) -> None:
        super().__init__(state / machine.name)
        self.machine, self._voters, self.cluster = machine, voters, cluster

    @property
    def url(self) -> str:
        return f"{self.machine.address(Net.LOG)}:{KAFKA_PORT}"

    def settings(self, data: Path) -> str:
        """As of a single one, but for the addresses and the copies; the last of a name counts."""
        node = next(number for number, machine in self._voters.items() if machine is self.machine)
        voters = ",".join(f"{n}@{each.address(Net.LOG)}:{CONTROLLER_PORT}" for n, each in self._voters.items())
        here, copies = self.machine.address(Net.LOG), len(self._voters)
        single = kafka_settings.broker(data, KAFKA_PORT, CONTROLLER_PORT)
        return f"""{single}
node.id={node}
controller.quorum.voters={voters}
listeners=PLAINTEXT://{here}:{KAFKA_PORT},CONTROLLER://{here}:{CONTROLLER_PORT}
advertised.listeners=PLAINTEXT://{self.url}
offsets.topic.replication.factor={copies}
transaction.state.log.replication.factor={copies}
transaction.state.log.min.isr={max(1, copies - 1)}
default.replication.factor={copies}
min.insync.replicas={max(1, copies - 1)}
replica.lag.time.max.ms={ISR_SECONDS * 1000}
"""

    def command(self) -> list[str | Path]:
        return [*self.machine.inside(), *super().command()]

    def wait(self) -> None:
        """Without asking for groups: their parts are with all brokers, and another serves them meanwhile."""
        Server.wait(self)

    async def probe(self) -> None:
        await ask_brokers(self.url)


class Database(Postgres):
    """A PostgreSQL that can be a primary or a standby; `fill` makes it a standby of another."""

    def __init__(self, state: Path, machine: Machine) -> None:
        super().__init__(state / machine.name, is_durable=False)
        self.machine, self._enters = machine, False

    @property
    def address(self) -> str:
        return f"{self.machine.address(Net.DATA)}:{POSTGRES_PORT}"

    @property
    def url(self) -> str:
        return f"postgresql://{USER}:{self.record.values['password']}@{self.address}/postgres"

    def command(self) -> list[str | Path]:
        own = {"listen_addresses": "*", "wal_level": "replica", "max_wal_senders": "8", "wal_sender_timeout": "3s"}
        settings = {**SETTINGS, **PASSING, **own, "max_connections": "200"}
        return [
            *self.machine.inside(),
            *("setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups"),
            *(self._binaries() / "postgres", "-D", self.home / "data", "-p", str(POSTGRES_PORT)),
            *(f"--{name}={value}" for name, value in settings.items()),
        ]

    def child_options(self) -> dict[str, Any]:
        """Nobody, as ever; but only root enters a namespace, and `setpriv` is nobody there."""
        return {} if self._enters else super().child_options()

    def _spawn(self) -> None:
        self._enters = True
        super()._spawn()
        self._enters = False

    def prepare(self) -> None:
        super().prepare()
        rules = self.home / "data/pg_hba.conf"
        if "all all samenet" not in rules.read_text():
            with rules.open("a") as file:
                file.write("host all all samenet scram-sha-256\nhost replication all samenet scram-sha-256\n")

    def fill(self, primary: Database) -> None:
        """Throw away what it has, and copy the primary; it is its standby when it is started."""
        data = self.home / "data"
        shutil.rmtree(data, ignore_errors=True)
        self.record.save(password=primary.record.values["password"], port=POSTGRES_PORT)
        (self.home / "password").write_text(primary.record.values["password"])
        self._copy(f"{primary.url}?application_name={self.machine.name}", data)

    def _copy(self, source: str, data: Path) -> None:
        done = subprocess.run(
            [self._binaries() / "pg_basebackup", "-d", source, "-D", data, "-R", "-X", "stream", "-c", "fast"],
            capture_output=True,
            text=True,
            check=False,
            **(nobody.child_options() if nobody.is_needed() else {}),
        )
        if done.returncode:
            raise LocalError(f"pg_basebackup: {done.stderr}")

    async def does(self, statement: str, *values: object) -> Any:
        """The first value that it answers with."""
        connection = await asyncpg.connect(self.url, timeout=5)
        try:
            return await connection.fetchval(statement, *values)
        finally:
            await connection.close()

    async def wait_for_standby(self, standby: Database | None) -> None:
        """From now on a commit waits for this standby; for none, when there is none."""
        name = standby.machine.name if standby else ""
        await self.does(f"ALTER SYSTEM SET synchronous_standby_names = '{name}'")
        await self.does("SELECT pg_reload_conf()")

    async def is_copied(self) -> bool:
        """Whether a standby has all that is committed, and commits wait for it."""
        return bool(await self.does("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"))


class Proxy(Server):
    """HAProxy: for each service the hosts where it is ready. A request goes to another only if it went to none."""

    name = "haproxy"
    stop_signal = signal.SIGTERM
    stop_seconds = 10

    def __init__(self, state: Path, machine: Machine, hosts: list[Machine]) -> None:
        super().__init__(state)
        self.machine, self._hosts = machine, hosts

    @property
    def url(self) -> str:
        return self.of("referral")

    def of(self, service: str) -> str:
        return f"http://{self.machine.address(Net.FRONT)}:{DEFAULT_PORTS[service]}"

    def prepare(self) -> None:
        if not debian.find("haproxy", UNPACKED) and (failed := debian.unpack(HAPROXY, UNPACKED)):
            raise LocalError(f"no HAProxy: {failed}")
        parts = ["global", "  maxconn 2000", "defaults", "  mode http", "  timeout connect 1s", "  timeout client 30s",
                 "  timeout server 30s", "  retries 2", "  option redispatch 1", "  option httpchk GET /health/ready",
                 "  default-server check inter 500ms fall 2 rise 2 on-marked-down shutdown-sessions"]  # fmt: skip
        for service, port in DEFAULT_PORTS.items():
            parts += [f"listen {service}", f"  bind {self.machine.address(Net.FRONT)}:{port}"]
            parts += [f"  server {each.name} {each.address(Net.FRONT)}:{port}" for each in self._hosts]
        (self.folder / "haproxy.cfg").write_text("\n".join(parts) + "\n")
        self.record.save(port=DEFAULT_PORTS["referral"])

    def child_options(self) -> dict[str, Any]:
        return {"env": debian.environment(UNPACKED)}

    def command(self) -> list[str | Path]:
        return [
            *self.machine.inside(),
            debian.find("haproxy", UNPACKED) or "haproxy",
            "-db",
            "-f",
            self.folder / "haproxy.cfg",
        ]

    async def probe(self) -> None:
        """It listens before any host is ready."""
