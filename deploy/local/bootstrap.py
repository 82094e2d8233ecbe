"""Makes .tools (uv, pinned) and .venv (the locked packages); run by the Makefile, standard library only.

python3 deploy/local/bootstrap.py GROUP...
"""

from __future__ import annotations  # an older Python must get as far as our refusal

import os
import subprocess
import sys
from pathlib import Path

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parents[2]
UV_LOCK = ROOT / "deploy" / "uv.txt"
"""uv's version and the hashes of its files, as pip reads them."""
TOOLS = ROOT / ".tools"
PYTHON = str(TOOLS / "bin" / "python")
UV = str(TOOLS / "bin" / "uv")


def main(groups: list[str]) -> str | None:
    """Install the default packages and `groups` into .venv; return one line when that fails."""
    if sys.version_info < OLDEST:
        return f"this needs Python 3.11 or newer, and {sys.executable} is {sys.version.split()[0]}: set PYTHON=..."
    return _make_tools() or _install(groups)


def _make_tools() -> str | None:
    if _is_ours():
        return None
    print("Making .tools (uv) ...", flush=True)
    made = subprocess.run([sys.executable, "-m", "venv", "--clear", TOOLS], check=False, capture_output=True)
    if made.returncode:
        return "python3 cannot make a virtual environment (on Debian or Ubuntu: apt install python3-venv)"
    quietly = ["--quiet", "--disable-pip-version-check"]
    pip = [PYTHON, "-m", "pip", "install", *quietly, "--require-hashes", "--only-binary", ":all:", "-r", str(UV_LOCK)]
    if subprocess.run(pip, check=False).returncode:
        return (
            "uv could not be installed (see above): set PIP_INDEX_URL to a mirror you can reach, or `docker compose up`"
        )
    return None


def uv_version() -> str:
    """Return the version that deploy/uv.txt names."""
    return UV_LOCK.read_text(encoding="utf-8").partition("\nuv==")[2].split()[0]


def _is_ours() -> bool:
    """Return whether .tools works where it stands and holds the uv we want."""
    try:
        found = subprocess.run([UV, "--version"], check=False, capture_output=True, text=True)
        python = subprocess.run([PYTHON, "--version"], check=False, capture_output=True)
    except OSError:
        return False
    return python.returncode == 0 and found.stdout.split()[1:2] == [uv_version()]


def _install(groups: list[str]) -> str | None:
    print("Installing the locked packages into .venv ...", flush=True)
    chosen = [word for group in groups for word in ("--group", group)]
    index = _mirror()
    done = _from_mirror(index, chosen) if index else _uv("sync", "--frozen", "--inexact", *chosen)
    if done.returncode:
        return "packages could not be installed (see above): set PIP_INDEX_URL to a mirror, or `docker compose up`"
    return None


def _mirror() -> str:
    """Return the index that the person's uv or pip is set to, empty for the usual one."""
    for variable in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"):
        if index := os.environ.get(variable):
            return index
    asked = [PYTHON, "-m", "pip", "config", "get", "global.index-url"]
    found = subprocess.run(asked, check=False, capture_output=True, text=True)
    return found.stdout.strip()


def _from_mirror(index: str, chosen: list[str]) -> subprocess.CompletedProcess[bytes]:
    """Take versions and hashes from the lock, files from the mirror: the lock holds the usual index's addresses."""
    wanted = TOOLS / "requirements.txt"
    exported = _uv("export", "--frozen", "--quiet", "--no-emit-project", "--output-file", str(wanted), *chosen)
    if exported.returncode:
        return exported
    _uv("venv", "--allow-existing", "--quiet", ".venv")
    index_options = ["--default-index", index, "--require-hashes", "--python", ".venv"]
    return _uv("pip", "install", *index_options, "-r", str(wanted))


def _uv(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run uv with the Python that made .tools, trusting the system's authorities (SSL_CERT_FILE is honoured)."""
    environment = {
        **os.environ,
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_SYSTEM_CERTS": "1",
        "UV_PROJECT_ENVIRONMENT": ".venv",
    }
    environment.pop("VIRTUAL_ENV", None)
    if "--python" not in arguments:
        environment["UV_PYTHON"] = PYTHON
    return subprocess.run([UV, *arguments], check=False, cwd=ROOT, env=environment)


if __name__ == "__main__":
    try:
        FAULT = main(sys.argv[1:])
    except KeyboardInterrupt:
        FAULT = "interrupted"
    sys.exit(FAULT and f"error: {FAULT}")
