"""Makes docs/assurance/dpia.md from dpia.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from deploy.assurance.evidence import FOLDER

INPUT: Final = FOLDER / "dpia.toml"
PAGE: Final = FOLDER / "dpia.md"
KINDS: Final = {
    "sealed": "sealed",
    "special": "special category, not encrypted",
    "personal": "pseudonymous",
    "people": "staff and people at agencies",
    "plain": "about nobody",
}
HEAD: Final = """# Data protection impact assessment (input)

Made from [dpia.toml](dpia.toml) by `make assurance`; a test fails when it is not current, or when a column of a table
or a member of an event has no line. **This is not a signed DPIA.** The organisation's to do: name the controller and
the processors, consult the people concerned, decide on the lawful bases below (they are proposals), agree on a
retention schedule, and have the data protection officer sign.

**What happens to the data**: an agency or a parent tells of a family; rules propose what help fits; staff decide, get
in touch and keep notes; counts are published. Where each thing is kept and for how long: `docs/records.md`. What
becomes of each column at an erasure: `deploy/erasure.toml`.
**Who is concerned**: babies and unborn children, parents and carers (some are children themselves), referrers, staff.
"""


def read() -> dict[str, Any]:
    return tomllib.loads(INPUT.read_text(encoding="utf-8"))


def names(line: Mapping[str, Any]) -> dict[str, list[str]]:
    """Kind → columns (or members) of one line."""
    return {kind: [name.strip() for name in line.get(kind, "").split(",") if name.strip()] for kind in KINDS}


def page() -> str:
    """The whole page as Markdown."""
    known = read()
    bases = [f"| {name} | {words} |" for name, words in known["bases"].items()]
    risks = [
        f"| {each['what']} | {each['control']} | {each['left']} | {'<br>'.join(f'`{test}`' for test in each['by'])} |"
        for each in known["risk"]
    ]
    return "\n".join(
        [
            HEAD,
            "## Lawful bases (proposed)",
            *["| Basis | What |", "|---|---|", *bases, ""],
            "## Risks to people",
            *["| Risk | What is done | What is left | Evidence |", "|---|---|---|---|", *risks, ""],
            "## What is kept, for what",
            *(line for schema, tables in known["tables"].items() for line in _schema(schema, tables)),
            "## What travels between services",
            "On the topics, kept 90 days. Never a name, an address, an NHS number or free text of a family.",
            "",
            *_kinds(names(known["events"])),
            "",
            "Inside them:",
            *(f"- `{member}`: {words}" for member, words in known["events"]["parts"].items()),
            "",
        ]
    )


def _schema(schema: str, tables: Mapping[str, Any]) -> Iterator[str]:
    yield f"### {'Every service that has the table' if schema == 'shared' else schema}"
    yield "| Table | For | Basis | Who reads it | Columns |"
    yield "|---|---|---|---|---|"
    for table, line in tables.items():
        columns = "<br>".join(
            f"{KINDS[kind]}: {', '.join(found)}" for kind, found in names(line).items() if found and kind != "plain"
        )
        yield f"| {table} | {line['purpose']} | {line['basis']} | {line['readers']} | {columns or 'about nobody'} |"
    yield ""


def _kinds(found: Mapping[str, list[str]]) -> list[str]:
    return [f"- {KINDS[kind]}: {', '.join(members)}" for kind, members in found.items() if members]
