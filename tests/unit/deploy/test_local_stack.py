"""The parts of `make run` that need no servers."""

import hashlib
import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from deploy.local import credentials, given, jars, kafka, lock, ports
from deploy.local.console import LocalError
from deploy.local.jars import Jar
from deploy.local.record import Record
from deploy.local.services import from_environment, refuse_taken_ports


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Jar:
    """A mirror on disk with one jar, and an empty cache."""
    content = b"a jar"
    file = tmp_path / "mirror/org/a-1.jar"
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    monkeypatch.setenv("MAVEN_REPO_URL", (tmp_path / "mirror").as_uri())
    monkeypatch.setenv("PIR_CACHE", str(tmp_path / "cache"))
    return Jar(hashlib.sha256(content).hexdigest(), len(content), "org/a-1.jar")


def test_a_damaged_jar_of_the_right_size_is_fetched_again(repository: Jar) -> None:
    [file] = jars.class_path(threading.Event(), [repository])
    file.write_bytes(b"b jar")
    assert [path.read_bytes() for path in jars.class_path(threading.Event(), [repository])] == [b"a jar"]


def test_a_jar_with_another_checksum_is_refused_and_not_kept(repository: Jar, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploy.local.download.ATTEMPTS", 1)
    with pytest.raises(LocalError, match="MAVEN_REPO_URL"):
        jars.class_path(threading.Event(), [repository._replace(sha256="0" * 64)])
    assert list((jars.cache_folder() / "jars").iterdir()) == []


def test_a_mirror_of_central_in_settings_xml_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MAVEN_REPO_URL", raising=False)
    mirror = "<mirror><url> http://mirror.test/maven/ </url><mirrorOf>{}</mirrorOf></mirror>"
    settings = tmp_path / "settings.xml"
    settings.write_text(f"<!--{mirror.format('central')}--><mirrors>{mirror.format('*,!x')}</mirrors>")
    assert jars.base_url(settings) == "http://mirror.test/maven"


def test_the_lock_names_46_jars_once() -> None:
    names = [jar.name for jar in jars.locked()]
    assert len(names) == len(set(names)) == 46


def test_credentials_stay_the_same_and_private(tmp_path: Path) -> None:
    file = tmp_path / "credentials.json"
    first = credentials.load(file)
    assert credentials.load(file) == first
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert set(first["agencies"]) == {"health-visiting", "social-care", "early-help", "midwifery", "nursery"}


def test_a_credential_that_is_missing_is_added_and_the_others_kept(tmp_path: Path) -> None:
    file = tmp_path / "credentials.json"
    first = credentials.load(file)
    del first["agencies"]["nursery"]
    file.write_text(json.dumps(first))
    again = credentials.load(file)
    assert again["secrets"] == first["secrets"]
    assert again["agencies"]["nursery"]


def test_a_second_run_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    with lock.hold(tmp_path):
        assert lock.holder(tmp_path) == os.getpid()
        with pytest.raises(LocalError, match="already running"), lock.hold(tmp_path):
            pass
    assert lock.holder(tmp_path) is None


def test_a_record_of_another_process_with_the_same_pid_is_stale(tmp_path: Path) -> None:
    record = Record(tmp_path / "record.json")
    record.save(pid=os.getpid(), born=1.0)
    assert record.process() is None


def test_a_living_process_is_found_by_the_next_run(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        Record(tmp_path / "record.json").remember(child.pid)
        found = Record(tmp_path / "record.json").process()
        assert found is not None
        assert found.pid == child.pid
        child.kill()


def test_a_taken_port_names_itself_and_its_variable() -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(LocalError, match=rf"port {port} \(notify\).*PIR_NOTIFY_PORT"):
            refuse_taken_ports([s for s in from_environment({"PIR_NOTIFY_PORT": str(port)}) if s.name == "notify"])


def test_an_unreachable_database_is_an_error_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://a:secret@127.0.0.1:{ports.free_port()}/x")
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)
    with pytest.raises(LocalError, match="DATABASE_URL") as caught:
        given.check()
    assert "secret" not in str(caught.value)


def test_a_cluster_id_never_reads_as_an_option() -> None:
    assert not any(kafka.cluster_id().startswith("-") for _ in range(500))
