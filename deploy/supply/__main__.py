"""Write the bill of materials: python -m deploy.supply FILE."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from deploy.supply.lock import ROOT
from deploy.supply.sbom import bill


def _made_at() -> datetime:
    """The time of the commit, so that a tree gives one document; SOURCE_DATE_EPOCH where there is no git."""
    if not (seconds := os.environ.get("SOURCE_DATE_EPOCH")):
        asked = ["git", "log", "-1", "--format=%ct"]
        seconds = subprocess.run(asked, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return datetime.fromtimestamp(int(seconds), UTC)


if __name__ == "__main__":
    FILE = Path(sys.argv[1])
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text(bill(_made_at()), encoding="utf-8")
    print(f"{FILE}: what the image and `make run` contain, as CycloneDX 1.6")
