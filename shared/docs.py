"""Docs for people and machines: AsyncAPI from the event classes, and a page from OpenAPI that needs no script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Final

from shared.events import Event
from shared.problems import CATALOGUE
from shared.version import VERSION

CSS: Final = """
body{font:17px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:#212b32;background:#fff}
h1,h2{line-height:1.2}table{border-collapse:collapse;width:100%;margin:1rem 0 2rem}
th,td{text-align:left;vertical-align:top;padding:.4rem .8rem .4rem 0;border-bottom:1px solid #d8dde0}
code{font-family:ui-monospace,monospace;font-size:.95em}.verb{font-weight:700}a{color:#005eb8}
"""


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the docs page made from a table in code, so that the two can't differ."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


def asyncapi(title: str, speaks: Sequence[type[Event]], hears: Sequence[type[Event]]) -> dict[str, Any]:
    """AsyncAPI 3.0: CloudEvents in Kafka binary mode, one message per event class."""
    events = {event.type: event for event in (*speaks, *hears)}
    topics = sorted({event.topic for event in events.values()})
    return {
        "asyncapi": "3.0.0",
        "info": {"title": title, "version": VERSION},
        "defaultContentType": "application/json",
        "channels": {topic: _channel(topic, events) for topic in topics},
        "operations": _operations("send", speaks) | _operations("receive", hears),
        "components": {"messages": {name: _message(event) for name, event in events.items()}},
    }


def _channel(topic: str, events: Mapping[str, type[Event]]) -> dict[str, Any]:
    names = [name for name, event in events.items() if event.topic == topic]
    return {"address": topic, "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names}}


def _operations(action: str, events: Sequence[type[Event]]) -> dict[str, Any]:
    topics: dict[str, list[str]] = {}
    for event in events:
        topics.setdefault(event.topic, []).append(event.type)
    return {
        f"{action}-{topic}": {
            "action": action,
            "channel": {"$ref": f"#/channels/{topic}"},
            "messages": [{"$ref": f"#/channels/{topic}/messages/{name}"} for name in names],
        }
        for topic, names in topics.items()
    }


def _message(event: type[Event]) -> dict[str, Any]:
    return {
        "name": event.type,
        "summary": (event.__doc__ or "").strip().split("\n")[0],
        "contentType": "application/json",
        "headers": {
            "type": "object",
            "required": ["ce_id", "ce_source", "ce_type", "ce_time", "ce_specversion"],
            "properties": {"ce_type": {"const": event.type}, "ce_id": {"type": "string", "format": "uuid"}},
        },
        "payload": event.model_json_schema(mode="serialization"),
    }


def page(openapi: Mapping[str, Any], tables: Sequence[Table] = ()) -> str:
    """The API as one HTML page: routes, tables of the service, the catalogue of problems. All text is escaped."""
    info = openapi["info"]
    problems = Table(
        "Problems",
        ("type", "status", "title"),
        [(f"urn:pir:problem:{name}", str(status), words) for name, (status, words) in CATALOGUE.items()],
    )
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>",
        f"<title>{escape(info['title'])}</title><link rel=stylesheet href=/docs.css>",
        f"<h1>{escape(info['title'])}</h1><p>{escape(info.get('description', ''))}</p>",
        "<p><a href=/openapi.json>OpenAPI</a> · <a href=/asyncapi>AsyncAPI</a></p>",
        _html(Table("Calls", ("call", "what it does"), _calls(openapi))),
        *(_html(table) for table in (*tables, problems)),
        "</html>",
    ]
    return "\n".join(parts)


def _calls(openapi: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        (f"{verb.upper()} {path}", operation.get("description") or operation.get("summary", ""))
        for path, operations in openapi["paths"].items()
        for verb, operation in operations.items()
    ]


def _html(table: Table) -> str:
    head = "".join(f"<th scope=col>{escape(name)}" for name in table.columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{'<code>' if not place else ''}{escape(cell)}" for place, cell in enumerate(row))
        for row in table.rows
    )
    return f"<h2>{escape(table.title)}</h2><table><tr>{head}{body}</table>"
