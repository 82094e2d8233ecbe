"""var/dev.json: what another program finds in it, beside the services' addresses."""

from __future__ import annotations

import json
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import credentials, dev
from deploy.local.keeper import Keeper
from deploy.local.services import Service


def a_free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


@pytest.fixture
def keepers(tmp_path: Path) -> Iterator[list[Keeper]]:
    """Of two services that were never started; their sockets are real."""
    made = [
        Keeper(Service(name=name, command=("true",), port=a_free_port()), {}, tmp_path)
        for name in ("referral", "triage")
    ]
    yield made
    for each in made:
        each._listener.close()


def test_it_says_where_people_refer_and_who_signs_in(keepers: list[Keeper], tmp_path: Path) -> None:
    known = credentials.load(tmp_path / "credentials.json")
    found = dev.document(keepers, credentials=known, database_url="postgresql://x", brokers="127.0.0.1:9")
    assert found["front_url"] == found["referral_url"] == keepers[0].service.url
    assert found["triage_url"] != found["front_url"]
    assert set(found["members"]) == set(found["agencies"])
    assert all(slug in address for slug, address in found["members"].items())
    assert set(found["keepers"]) <= set(found["members"])
    assert not set(found["keepers"].values()) & set(found["members"].values())
    dev.write(tmp_path, found)
    file = tmp_path / "dev.json"
    assert json.loads(file.read_text(encoding="utf-8")) == found
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    dev.remove(tmp_path)
    assert not file.exists()
