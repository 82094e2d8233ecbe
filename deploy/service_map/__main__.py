"""Check service maps, or draft one from a directory in Open Referral (HSDS 3).

    python -m deploy.service_map check [FILE...]            all of them without a name
    python -m deploy.service_map import FILE|URL [DRAFT]    writes DRAFT, service-map-draft.toml without a name

`check`: one sentence for each mistake, and exit status 1; warnings leave it at 0. `import` reads a file or one
https:// address, replaces no file, and leaves `expires_on` of each entry empty: no service starts with a draft.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from deploy.service_map.checking import MAPS, check
from deploy.service_map.drafting import draft
from deploy.service_map.sources import SourceError
from shared.working_time import day_in_london

DRAFT: Final = "service-map-draft.toml"
USAGE: Final = "usage: python -m deploy.service_map check [FILE...] | import FILE|URL [DRAFT]"


def main(arguments: list[str]) -> int | str:
    """Do what is asked; returns the exit status, or one line that says why it was not done."""
    today = day_in_london(datetime.now(UTC))
    match arguments:
        case ["check", *names]:
            paths = [Path(name) for name in names] or sorted(MAPS.glob("*.toml"))
            failed = [path for path in paths if not check(path, on=today)]
            return 1 if failed else 0
        case ["import", source] | ["import", source, _]:
            try:
                print(draft(source, Path(arguments[2] if arguments[2:] else DRAFT), on=today))
            except SourceError as error:
                return str(error)
            return 0
    return USAGE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
