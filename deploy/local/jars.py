"""Apache Kafka's jars: named in kafka.lock (sha256, size, path), fetched once into a cache, checked at every start."""

import concurrent.futures
import hashlib
import os
import re
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from jgo.constants import MAVEN_CENTRAL_URL

from deploy.local.console import StoppedError
from deploy.local.download import Download
from deploy.local.progress import Progress

LOCK = Path(__file__).with_name("kafka.lock")


class Jar(NamedTuple):
    """One line of the lock; `size` in bytes, `path` below the repository's base URL."""

    sha256: str
    size: int
    path: str

    @property
    def name(self) -> str:
        """The file's name, which is also its name in the cache."""
        return self.path.rsplit("/", 1)[1]


def locked() -> list[Jar]:
    """Return the jars in the lock's order, which is the class path's."""
    return [Jar(sha256, int(size), path) for sha256, size, path in map(str.split, LOCK.read_text().splitlines())]


def cache_folder() -> Path:
    """PIR_CACHE, else a folder of ours in XDG_CACHE_HOME, else in ~/.cache."""
    if ours := os.environ.get("PIR_CACHE"):
        return Path(ours).expanduser().resolve()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser().resolve() / "pir-local"


def base_url(settings: Path | None = None) -> str:
    """MAVEN_REPO_URL, else a mirror of central from the user's settings.xml, else Maven's own."""
    if chosen := os.environ.get("MAVEN_REPO_URL"):
        return chosen.rstrip("/")
    settings = settings or Path("~/.m2/settings.xml").expanduser()
    text = re.sub(r"<!--.*?-->", "", settings.read_text(), flags=re.DOTALL) if settings.exists() else ""
    for mirror in re.findall(r"<mirror>(.*?)</mirror>", text, re.DOTALL):
        of, url = (re.search(rf"<{tag}>\s*(.*?)\s*</{tag}>", mirror, re.DOTALL) for tag in ("mirrorOf", "url"))
        if of and url and {"central", "*", "external:*"} & set(of[1].split(",")) and "!central" not in of[1]:
            return str(url[1]).rstrip("/")
    return str(MAVEN_CENTRAL_URL).rstrip("/")


def is_intact(file: Path, jar: Jar) -> bool:
    """Return whether the cached file is byte for byte the locked one."""
    try:
        with file.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest() == jar.sha256
    except FileNotFoundError:
        return False


def class_path(stopping: threading.Event, jars: Iterable[Jar] | None = None) -> list[Path]:
    """Return every jar's path, fetching what is missing or damaged first.

    Raises LocalError when a jar cannot be had, StoppedError when `stopping` is set meanwhile.
    """
    wanted = list(locked() if jars is None else jars)
    folder = cache_folder() / "jars"
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        intact = list(pool.map(lambda jar: is_intact(folder / jar.name, jar), wanted))
        missing = [jar for jar, good in zip(wanted, intact, strict=True) if not good]
        if missing:
            _fetch_all(pool, missing, folder, stopping)
    return [folder / jar.name for jar in wanted]


def _fetch_all(pool: concurrent.futures.Executor, jars: list[Jar], folder: Path, stopping: threading.Event) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    given_up = threading.Event()  # the first that fails ends the others
    download = Download(
        base=base_url(),
        folder=folder,
        progress=Progress("Apache Kafka", sum(jar.size for jar in jars)),
        is_over=lambda: stopping.is_set() or given_up.is_set(),
    )
    jobs = [pool.submit(download.fetch, jar.path, jar.sha256) for jar in jars]
    for job in concurrent.futures.as_completed(jobs):
        if job.exception():
            given_up.set()
    errors = [error for job in jobs if (error := job.exception())]
    if errors:
        raise next((error for error in errors if not isinstance(error, StoppedError)), errors[0])
