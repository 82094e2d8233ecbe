"""FHIR messages for tests: the six examples, shaped on those of BaRS, and a way to send any."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx

from services.referral.fhir.names import FHIR_JSON
from tests.integration.behind import Behind

FOLDER: Final = Path(__file__).parent / "data" / "fhir"
EXAMPLES: Final = tuple(sorted(file.stem for file in FOLDER.glob("*.json")))
SENDER: Final = "PIRMW"
"""The ODS code of the invented midwifery, who sends the examples."""

Json = dict[str, Any]


def example(name: str, *, now: datetime | None = None, bundle_id: str | None = None) -> Json:
    """One of the six: `{today+60d}`, `{today-2d}` and `{now-1h}` are worked out, the Bundle has an id of its own."""
    now = now or datetime.now(UTC)
    text = (FOLDER / f"{name}.json").read_text(encoding="utf-8")
    text = re.sub(r"\{today([+-]\d+)d\}", lambda found: str(now.date() + timedelta(int(found[1]))), text)
    text = text.replace("{now-1h}", (now - timedelta(hours=1)).isoformat(timespec="seconds"))
    bundle: Json = json.loads(text)
    bundle["id"] = bundle_id or str(uuid4())
    return bundle


def resources(bundle: Json, kind: str) -> list[Json]:
    return [each["resource"] for each in bundle["entry"] if each["resource"]["resourceType"] == kind]


def resource(bundle: Json, kind: str) -> Json:
    """The first of its kind."""
    return resources(bundle, kind)[0]


async def send(
    intake: Behind,
    bundle: Any,
    *,
    slug: str = "midwifery",
    request_id: str | None = None,
    headers: dict[str, str] | None = None,
) -> httpx.Response:
    """POST $process-message, with a fresh X-Request-Id unless one is given."""
    known = {
        "Authorization": f"Bearer {intake.key(slug)}",
        "Content-Type": FHIR_JSON,
        "X-Request-Id": request_id or uuid4().hex,
    }
    content = bundle if isinstance(bundle, bytes) else json.dumps(bundle).encode()
    return await intake.http.post("/fhir/$process-message", content=content, headers=known | (headers or {}))


def reference_of(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    return str(resource(answer.json(), "ServiceRequest")["id"])


def issues_of(answer: httpx.Response) -> list[tuple[str, str]]:
    """Kind and first expression of each error in an outcome."""
    body = answer.json()
    assert body["resourceType"] == "OperationOutcome"
    return [
        (issue["code"], issue.get("expression", [""])[0]) for issue in body["issue"] if issue["severity"] == "error"
    ]
