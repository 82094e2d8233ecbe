"""The Jinja environment of the pages: NHS.UK components, our templates, and the words as filters."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from jinja2 import ChainableUndefined, ChoiceLoader, Environment, FileSystemLoader, PackageLoader
from markupsafe import Markup, escape

from shared.pages import facts, times, wording

TEMPLATES: Final = Path(__file__).parent / "templates"

_RUNG: Final = re.compile(r"\b(?:999|111|112|0[1-9][0-9 ]{6,12}[0-9])\b")
"""Telephone numbers of this country, written alone or in groups."""
_LEANS_ON: Final = re.compile(r'\{%-? *(?:from|import|extends|include) "([^"]+)"')


def environment(folder: Path, *, reloads: bool) -> Environment:
    """Templates of `folder` before those of shared/pages before NHS.UK's; each is compiled once unless it `reloads`."""
    made = Environment(
        loader=ChoiceLoader([FileSystemLoader([folder, TEMPLATES]), PackageLoader("nhsuk_frontend_jinja")]),
        autoescape=True,
        undefined=ChainableUndefined,  # the NHS.UK macros look into options that were not given
        auto_reload=reloads,
        cache_size=-1,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= FILTERS
    made.globals |= {"urgency_colours": wording.URGENCY_COLOURS, "near": times.near, "is_past": times.is_past}
    return made


def compile_all(made: Environment, folder: Path) -> None:
    """Compile the templates of `folder` and ours with all that they lean on: some 0.4 s that no visitor waits for."""
    waiting = {file.relative_to(place).as_posix() for place in (folder, TEMPLATES) for file in place.rglob("*.html")}
    done: set[str] = set()
    while waiting:
        name = waiting.pop()
        file = made.get_template(name).filename
        done.add(name)
        waiting |= set(_LEANS_ON.findall(Path(file).read_text(encoding="utf-8")) if file else ()) - done


def _unmoved(text: Any, *_: Any, **__: Any) -> Any:
    """NHS.UK's macros indent what they hold; that would move the lines of what somebody wrote into a text area."""
    return text


def _dialled(number: str) -> str:
    """What a telephone dials: digits, and the + of another country."""
    return re.sub(r"[^0-9+]", "", number)


def _with_numbers(text: str) -> Markup:
    """The text with a link on each number that is rung, to be tapped on a phone."""
    link = r'<a class="nhsuk-link pir-reference" href="tel:{}">{}</a>'
    return Markup(_RUNG.sub(lambda found: link.format(_dialled(found[0]), found[0]), str(escape(text))))  # noqa: S704  escaped


FILTERS: Final[dict[str, Any]] = {
    "indent": _unmoved,
    "long_day": times.long_day,
    "clock": times.clock,
    "machine_time": times.machine_time,
    "dialled": _dialled,
    "with_numbers": _with_numbers,
    "route_name": wording.route_name,
    "tier_name": wording.tier_name,
    "urgency_name": wording.urgency_name,
    "mark_name": wording.mark_name,
    "state_name": wording.state_name,
    "step_name": wording.step_name,
    "role_name": wording.role_name,
    "rule_group": wording.rule_group,
    "fact_name": facts.fact_name,
    "source_name": wording.source_name,
    "decline_name": wording.word_for(wording.DECLINES),
    "closure_name": wording.word_for(wording.CLOSURES),
    "withdrawal_name": wording.word_for(wording.WITHDRAWALS),
    "contact_name": wording.word_for(wording.CONTACTS),
    "place_name": wording.word_for(wording.PLACES),
    "link_name": wording.word_for(wording.LINKS),
    "hold_name": wording.word_for(wording.HOLDS),
    "escalation_name": wording.word_for(wording.ESCALATIONS),
    "eligibility_name": wording.word_for(wording.ELIGIBILITIES),
    "mode_name": wording.word_for(wording.MODES),
    "decider_name": wording.word_for(wording.DECIDERS),
    "message_name": wording.word_for(wording.MESSAGES),
    "kind_name": wording.word_for(facts.KINDS),
}
