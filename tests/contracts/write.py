"""`python -m tests.contracts.write`: store a sample of each event type that has none. A stored one never changes."""

from __future__ import annotations

import json

from shared import events
from tests.contracts.codes import FILE, codes_now
from tests.contracts.examples import EXAMPLES
from tests.contracts.samples import FOLDER, sample_of


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for event in EXAMPLES:
        file = FOLDER / f"{event.type}.json"
        if not file.exists():
            file.write_text(json.dumps(sample_of(event), indent=1) + "\n", encoding="utf-8")
            print(f"stored {file.name}")
    known = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    grown = {
        name: known.get(name, []) + [code for code in codes if code not in known.get(name, [])]
        for name, codes in codes_now(events).items()
    }
    if known != (whole := known | grown):
        FILE.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
        print(f"added to {FILE.name}")


if __name__ == "__main__":
    main()
