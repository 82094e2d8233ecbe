"""PostgreSQL and Kafka together: started side by side in a state folder, or the ones the environment names.

with Stack(folder) as stack:
    stack.database_url, stack.kafka_bootstrap_servers
    stack.postgres.kill(); stack.postgres.start()      # see Server for stop, pause, resume
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

from deploy.local import given
from deploy.local.console import StoppedError
from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres
from deploy.local.server import Server


class Stack:
    """The two servers. One named by DATABASE_URL or KAFKA_BOOTSTRAP_SERVERS is used and neither started nor stopped.

    Setting `stopping` ends a start that is under way with StoppedError. `is_durable`: see Postgres.
    """

    def __init__(self, state: Path, stopping: threading.Event | None = None, *, is_durable: bool = True) -> None:
        self.state = state.resolve()
        self.stopping = stopping or threading.Event()
        self.postgres = Postgres(self.state, self.stopping, is_durable=is_durable)
        self.kafka = Kafka(self.state, self.stopping)
        self._database_url, self._brokers = given.database_url(), given.brokers()

    @property
    def servers(self) -> list[Server]:
        """The servers that are ours to start and stop, in the order to stop them."""
        ours: list[Server] = [] if self._brokers else [self.kafka]
        return ours if self._database_url else [*ours, self.postgres]

    @property
    def database_url(self) -> str:
        """A postgresql:// URL with its password."""
        return self._database_url or self.postgres.url

    @property
    def kafka_bootstrap_servers(self) -> str:
        """Comma-separated host:port."""
        return self._brokers or self.kafka.url

    def start(self) -> None:
        """Start or adopt both at once; when one fails, stop what was started and raise its error."""
        self.launch()
        self.wait()

    def launch(self) -> None:
        """The first half of `start`: afterwards both addresses are known."""
        self._at_once([server.launch for server in self.servers])

    def wait(self) -> None:
        """The second half of `start`: return when both answer."""
        self._at_once([given.check, *(server.wait for server in self.servers)])

    def _at_once(self, calls: Sequence[Callable[[], None]]) -> None:
        with ThreadPoolExecutor(3) as pool:
            jobs = [pool.submit(call) for call in calls]
        errors = [error for job in jobs if (error := job.exception())]
        if errors:
            self.stop()
            raise next((error for error in errors if not isinstance(error, StoppedError)), errors[0])

    def stop(self) -> None:
        """Stop Kafka, then PostgreSQL."""
        for server in self.servers:
            server.stop()

    def remove(self) -> None:
        """Remove data kept outside the state folder."""
        self.postgres.remove()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
