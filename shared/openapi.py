"""The OpenAPI document of a service as other programs read it: complete, without dangling references, ours alone.

FastAPI knows the routes; what it can't know is added here: schemas that were written by hand are moved to the
components, every problem has its shape, and the calls among our own services are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from shared.problems import CATALOGUE

INTERNAL: Final = ("/internal", "/metrics", "/health", "/asyncapi", "/docs")
"""Addresses that are not for programs of others."""
PROBLEM: Final[dict[str, Any]] = {
    "title": "Problem",
    "description": "RFC 9457: why the request was refused, or failed. Branch on `type`.",
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {"type": "string", "description": "urn:pir:problem:<name>; docs/api.md lists them"},
        "title": {"type": "string", "description": "the kind of problem, in words"},
        "status": {"type": "integer", "description": "the HTTP status"},
        "detail": {"type": "string", "description": "what happened here, in words"},
        "instance": {"type": "string", "description": "the path that was asked for, without its query"},
        "errors": {
            "type": "array",
            "items": {"$ref": "#/components/schemas/FieldError"},
            "description": "every mistake at once",
        },
        "act_now": {
            "type": "array",
            "items": {"type": "string"},
            "description": "whom to ring now, when the request told of a danger",
        },
        "reference": {"type": "string", "description": "of the referral that it is about"},
        "referral_status": {"type": "string", "description": "how the referral has ended"},
        "version": {"type": "integer", "description": "the version there is, where another was named"},
    },
}
FIELD_ERROR: Final[dict[str, Any]] = {
    "title": "FieldError",
    "type": "object",
    "required": ["pointer", "code", "detail"],
    "properties": {
        "pointer": {"type": "string", "description": "RFC 6901: which member; never its value"},
        "code": {"type": "string", "description": "the kind of mistake, such as required or not-in-list"},
        "detail": {"type": "string", "description": "what would be right, in words"},
    },
}
EXAMPLE: Final[dict[str, Any]] = {
    "type": "urn:pir:problem:invalid",
    "title": "Some values can't be used",
    "status": 422,
    "detail": "Some values can't be used",
    "instance": "/referrals",
    "errors": [{"pointer": "/referrer/name", "code": "required", "detail": "This is needed."}],
}
_OF_EVERY_CALL: Final = (400, 401, 404, 409, 410, 412, 413, 415, 422, 429, 503)


def public(app: FastAPI, *, schemes: Mapping[str, Any], url: str) -> dict[str, Any]:
    """The document for others; `schemes` are how they show who they are, `url` is where they ask. Made once."""
    if app.openapi_schema is not None:
        return app.openapi_schema
    document = everything(app)
    document["paths"] = {path: calls for path, calls in document["paths"].items() if not path.startswith(INTERNAL)}
    schemas: dict[str, Any] = {"Problem": PROBLEM | {"example": EXAMPLE}, "FieldError": FIELD_ERROR}
    for calls in document["paths"].values():
        for call in calls.values():
            _complete(call)
    document["paths"] = _hoisted(document["paths"], schemas)
    document["components"] = {"schemas": schemas, "securitySchemes": dict(schemes)}
    document["servers"] = [{"url": url.rstrip("/")}]
    app.openapi_schema = document
    return document


def everything(app: FastAPI) -> dict[str, Any]:
    """What FastAPI knows of every route, the internal ones too."""
    return get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)


def _complete(call: dict[str, Any]) -> None:
    """Every call can be refused, in one shape unless it names another; the framework's own is never sent."""
    responses = call.setdefault("responses", {})
    for status in _OF_EVERY_CALL:
        if _names_its_own(responses.get(str(status), {})):
            continue
        responses[str(status)] = refusal(status)


def refusal(status: int) -> dict[str, Any]:
    """The answer with a problem of this status, in the words of the first of its kind."""
    return {
        "description": next(title for code, title in CATALOGUE.values() if code == status),
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }


def _names_its_own(response: dict[str, Any]) -> bool:
    """A refusal in the form of another standard."""
    return bool(response.get("content", {})) and "application/json" not in response["content"]


def _hoisted(part: Any, schemas: dict[str, Any]) -> Any:
    """`part` with every model (an object with members, named by its title) and all `$defs` moved to `schemas`."""
    if isinstance(part, list):
        return [_hoisted(each, schemas) for each in part]
    if not isinstance(part, dict):
        return part
    for name, schema in part.get("$defs", {}).items():
        moved = _hoisted(schema, schemas)
        if "$ref" not in moved:  # a list of codes; a model has moved itself
            schemas[name] = moved
    found = {name: _hoisted(value, schemas) for name, value in part.items() if name != "$defs"}
    reference = found.get("$ref")
    if isinstance(reference, str) and reference.startswith("#/$defs/"):
        found["$ref"] = reference.replace("#/$defs/", "#/components/schemas/")
    is_schema = "title" in found and found.get("type") == "object" and "properties" in found
    if is_schema and found["title"].isidentifier():
        schemas[found["title"]] = found
        return {"$ref": f"#/components/schemas/{found['title']}"}
    return found
