"""The FHIR calls in the OpenAPI document: what FHIR itself describes (`/fhir/metadata`) is named here, not repeated."""

from __future__ import annotations

from typing import Any, Final

from services.referral.fhir.names import FHIR_JSON

_RESOURCE: Final[dict[str, Any]] = {
    "title": "FhirResource",
    "description": "A resource of FHIR R4 (4.0.1), as its resourceType says",
    "type": "object",
    "required": ["resourceType"],
    "properties": {
        "resourceType": {"type": "string", "description": "What it is"},
        "id": {"type": "string", "description": "Its id, where it has one"},
    },
    "additionalProperties": True,
}
_CONTENT: Final = {FHIR_JSON: {"schema": _RESOURCE}}
_REFUSALS: Final = (400, 401, 403, 404, 406, 408, 409, 410, 413, 415, 422, 429, 500, 503)

KEYED: Final[dict[str, Any]] = {"security": [{"agency_key": []}]}
MESSAGE: Final[dict[str, Any]] = {
    **KEYED,
    "parameters": [
        {
            "name": "X-Request-Id",
            "in": "header",
            "required": True,
            "description": "new for each message, the same when you send it again; kept for 30 days",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255},
        },
    ],
    "requestBody": {"required": True, "content": _CONTENT},
}


def gives(what: str) -> dict[int | str, dict[str, Any]]:
    """The resource of 200, and OperationOutcome for every refusal."""
    refusal = {"description": "OperationOutcome: every mistake, and where", "content": _CONTENT}
    return {200: {"description": what, "content": _CONTENT}, **dict.fromkeys(_REFUSALS, refusal)}
