"""The health checks of docker-compose.yml, run as they stand against real servers: well, gone, and not answering."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest

from deploy.local.kafka import Kafka
from deploy.local.ports import free_port
from deploy.local.services import DEFAULT_PORTS
from tests.architecture.test_deploy import compose
from tests.servers import Servers
from tests.system import System, eventually

FOR_A_TEST = 5.0
"""As in Compose, which gives Kafka longer; here one that hangs has to be shown to hang."""


def passes(name: str, instead: Mapping[str, str]) -> bool:
    """Whether the check of this container says yes; `instead`: what is called otherwise here."""
    kind, *words = compose()[name]["healthcheck"]["test"]
    assert kind == "CMD"
    for there, here in instead.items():
        assert any(there in word for word in words), words
        words = [word.replace(there, here) for word in words]
    try:
        return (
            subprocess.run(
                [word.replace("$$", "$") for word in words], capture_output=True, timeout=FOR_A_TEST, check=False
            ).returncode
            == 0
        )
    except subprocess.TimeoutExpired:
        return False


@pytest.mark.parametrize("name", DEFAULT_PORTS)
def test_of_a_service(system: System, name: str) -> None:
    said = {"python": sys.executable, str(DEFAULT_PORTS[name]): str(urlsplit(system.url(name)).port)}
    eventually(lambda: passes(name, said), what="well")
    assert not passes(name, said | {str(DEFAULT_PORTS[name]): str(free_port())})


def test_of_kafka(stack: Servers, kafka: Kafka) -> None:
    """One that takes connections and does nothing with them is not well."""
    address = stack.kafka_bootstrap_servers.replace(":", "/")
    eventually(lambda: passes("kafka", {"localhost/9094": address}), what="well")
    assert not passes("kafka", {"9094": str(free_port())})
    kafka.pause()
    assert not passes("kafka", {"localhost/9094": address})
    kafka.resume()
    eventually(lambda: passes("kafka", {"localhost/9094": address}), what="well again")


def test_no_check_starts_a_java_machine() -> None:
    checks: list[list[Any]] = [each["healthcheck"]["test"] for each in compose().values() if "healthcheck" in each]
    assert not [each for each in checks if "kafka-" in str(each) and ".sh" in str(each)]
