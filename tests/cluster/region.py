"""The whole of it: two hosts with all four services on three brokers and two PostgreSQL, behind a proxy."""

from __future__ import annotations

import asyncio
import shutil
import signal
import time
from contextlib import ExitStack
from http import HTTPStatus
from pathlib import Path
from typing import Final, Self
from urllib.parse import quote

from deploy.local.kafka import OFFSETS, cluster_id
from deploy.local.services import DEFAULT_PORTS
from shared.events import TOPICS
from tests.cluster.network import Machine, Net, Network
from tests.cluster.servers import Broker, Database, Proxy
from tests.servers import Servers, admin, endings, passing_folder
from tests.system import NAMES, System, call, eventually

BROKERS: Final = 3


class Host(System):
    """All four services on one machine, which call one another by way of the proxy. Questions go by the proxy too."""

    again = (*System.again, 502, 504)
    """The last two are the proxy's."""

    def __init__(self, servers: Servers, var: Path, machine: Machine, proxy: Proxy) -> None:
        super().__init__(servers, servers.database_url, var)
        self.machine, self.namespace, self._proxy = machine, machine.name, proxy
        self._suffix = f"-{machine.name}"
        self._environment |= {
            "PIR_HOST": machine.address(Net.FRONT),
            "PIR_INSTANCE": machine.name,
            "PIR_AUDIT_HEADS_FILE": str(var / f"audit-heads-{machine.name}.jsonl"),
        }
        for name, port in DEFAULT_PORTS.items():
            self._environment |= {f"PIR_{name.upper()}_URL": proxy.of(name), f"PIR_{name.upper()}_PORT": str(port)}

    def url(self, name: str) -> str:
        return self._proxy.of(name)

    def is_whole(self) -> bool:
        """Whether each of its services says that it is ready, asked past the proxy."""
        here = self.machine.address(Net.FRONT)
        return all(
            call("GET", f"http://{here}:{port}/health/ready", timeout=5).status == HTTPStatus.OK
            for port in DEFAULT_PORTS.values()
        )

    def pause_all(self) -> None:
        for child in self._children.values():
            child.send_signal(signal.SIGSTOP)

    def resume_all(self) -> None:
        """Who was away for long ends, and is started again, as a supervisor does it (health.py, EXIT_STUCK)."""
        for child in self._children.values():
            child.send_signal(signal.SIGCONT)
        time.sleep(3)
        for name in [name for name, child in self._children.items() if child.poll() is not None]:
            self.start(name)


class Region:
    """`hosts` are two; `primary` is whichever PostgreSQL takes writes, `standby` the other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._opened = ExitStack()

    def __enter__(self) -> Self:
        endings.append(self.close)
        try:
            self._build()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._opened.close()

    def _build(self) -> None:
        net = self._opened.enter_context(Network())
        state = passing_folder()
        self._opened.callback(shutil.rmtree, state, ignore_errors=True)
        logs = {number: net.machine(f"k{number}", 10 + number, Net.LOG) for number in range(1, BROKERS + 1)}
        cluster = cluster_id()
        self.brokers = [Broker(state, machine, logs, cluster) for machine in logs.values()]
        self.primary, self.standby = (Database(state, net.machine(f"d{n}", 20 + n, Net.DATA)) for n in (1, 2))
        machines = [net.machine(f"h{n}", 30 + n, *Net) for n in (1, 2)]
        self.proxy = Proxy(state, net.machine("lb", 2, Net.FRONT), machines)
        for server in (self.primary, self.standby, *self.brokers, self.proxy):
            self._opened.callback(server.kill)
        for broker in self.brokers:
            broker.launch()
        self.primary.start()
        self.replicate()
        for broker in self.brokers:
            broker.wait()
        self.proxy.start()
        servers = Servers(self._database_url(), ",".join(each.url for each in self.brokers))
        self.hosts = [Host(servers, self.folder, machine, self.proxy) for machine in machines]
        first, _ = self.hosts
        asyncio.run(servers.empty_topics())
        first.run("deploy.setup")
        for host in self.hosts:
            self._opened.callback(host.kill_all)
            for name in NAMES:
                host.start(name)
        self.wait_until_ready()

    def replicate(self) -> None:
        """The other PostgreSQL becomes the standby for which commits wait, whatever it was before."""
        self.standby.kill()
        self.standby.fill(self.primary)
        self.standby.start()
        asyncio.run(self.primary.wait_for_standby(self.standby))
        eventually(lambda: asyncio.run(self.primary.is_copied()), what="a standby that commits wait for")

    def is_copied(self) -> bool:
        """Whether each topic of ours has all its copies in step."""
        return asyncio.run(self._is_copied())

    async def _is_copied(self) -> bool:
        async with admin(self.brokers[0].url) as client:
            described = await client.describe_topics([*TOPICS, OFFSETS])
        return all(len(part["isr"]) == BROKERS for topic in described for part in topic["partitions"])

    def promote(self) -> None:
        """The standby takes over: the primary must be dead or cut off."""
        asyncio.run(self.standby.does("SELECT pg_promote()"))
        self.primary, self.standby = self.standby, self.primary

    def wait_until_ready(self) -> None:
        for host in self.hosts:
            eventually(lambda host=host: host.is_whole(), what=f"all services of {host.machine.name}")

    def _database_url(self) -> str:
        """Both, of which the driver takes the one that takes writes."""
        places = ",".join(each.address for each in (self.primary, self.standby))
        word = quote(self.primary.record.values["password"], safe="")
        return f"postgresql://pir:{word}@{places}/postgres?target_session_attrs=read-write"
