"""The development system: run (all, in the foreground), start (servers only), stop, status, clean."""

import argparse
import os
import shutil
import signal
import sys
import threading
from pathlib import Path

import psutil

from deploy.local import lock
from deploy.local.console import LocalError, StoppedError, say
from deploy.local.keeper import WATCHERS, record_path, stop_recorded
from deploy.local.record import Record
from deploy.local.run import Run
from deploy.local.services import DEFAULT_PORTS, from_environment
from deploy.local.stack import Stack

STOP_SECONDS = 120
NOT_RUNNING = 3


def run(var: Path, stopping: threading.Event) -> int:
    """Run everything until Ctrl-C or SIGTERM."""
    with lock.hold(var / "local"):
        Run(var, stopping, services=from_environment()).run()
    return 0


def start(var: Path, stopping: threading.Event) -> int:
    """Start the servers, print their addresses as shell assignments, leave them running."""
    with lock.hold(var / "local"):
        stack = Stack(var / "local", stopping)
        stack.start()
    say(f"DATABASE_URL={stack.database_url}\nKAFKA_BOOTSTRAP_SERVERS={stack.kafka_bootstrap_servers}")
    return 0


def stop(var: Path, _stopping: threading.Event) -> int:
    """Stop a `run` that is under way, and whatever an earlier one left."""
    if pid := lock.holder(var / "local"):
        say(f"stopping process {pid}")
        os.kill(pid, signal.SIGTERM)
        if not lock.wait_until_free(var / "local", STOP_SECONDS):
            raise LocalError(f"process {pid} does not stop")
    if (var / "local").exists():
        with lock.hold(var / "local"):
            stop_recorded(var, [*DEFAULT_PORTS, *WATCHERS])
            Stack(var / "local").stop()
    return 0


def status(var: Path, _stopping: threading.Event) -> int:
    """Say what is up; 3 unless everything is."""
    servers = {server.name: server.record for server in Stack(var / "local").servers}
    services = {name: Record(record_path(var, name)) for name in DEFAULT_PORTS}
    found = {name: record.process() for name, record in {**servers, **services}.items()}
    for name, process in found.items():
        say(f"{name:<9} {_words(process)}")
    return 0 if all(found.values()) else NOT_RUNNING


def clean(var: Path, stopping: threading.Event) -> int:
    """Stop everything and remove all state, what is kept outside `var` too."""
    stop(var, stopping)
    if var.exists():
        Stack(var / "local").remove()
        shutil.rmtree(var)
    return 0


VERBS = {"run": run, "start": start, "stop": stop, "status": status, "clean": clean}


def _words(process: psutil.Process | None) -> str:
    return f"up, process {process.pid}, {process.memory_info().rss / 1e6:.0f} MB" if process else "down"


def main(stopping: threading.Event) -> int:
    """Parse the command line and run its verb; errors are one line and status 1."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local", description=__doc__)
    parser.add_argument("verb", choices=VERBS)
    parser.add_argument("--state", type=Path, default=Path("var"), help="the folder for all state (default: var)")
    chosen = parser.parse_args()
    try:
        return VERBS[chosen.verb](chosen.state.resolve(), stopping)
    except StoppedError as stopped:
        say(str(stopped))
        return 0 if chosen.verb == "run" else 1
    except (LocalError, OSError) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
