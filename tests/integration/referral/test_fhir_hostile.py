"""1,500 spoiled messages: each gets an answer that is FHIR, no failure of ours, and nothing of what was planted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from random import Random
from typing import Any
from uuid import uuid4

import pytest
from fhir.resources.R4B import get_fhir_model_class

from shared.web import BODY_BYTES
from tests.fhir_messages import EXAMPLES, SENDER, Json, example, resource, send
from tests.fhir_writing import Envoy, write_bundle
from tests.front_documents import scenario_documents
from tests.integration.conftest import Behind
from tests.integration.support import count

SEED = 20261130
MESSAGES = 1500
CANARY = "Zq7Canary"
WORST: tuple[Any, ...] = (
    None, True, 0, -1, 1.5, 10**30, "", " ", "\x00", "\u202e", [], {}, [None], [[]], {"": ""}, "urn:uuid:", "#",
    f"{CANARY}@example", f"{CANARY} 0115", f"<b>{CANARY}</b>", CANARY * 600, [CANARY], {"value": CANARY},
    {"reference": CANARY}, {"coding": [{"system": CANARY, "code": CANARY, "display": CANARY}]}, {CANARY: CANARY},
)  # fmt: skip


def places(value: Any, way: tuple[int | str, ...] = ()) -> Iterator[tuple[int | str, ...]]:
    """Every place in it but its own id, which the answer names."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in items:
        if (*way, name) != ("id",):
            yield (*way, name)
            yield from places(part, (*way, name))


def spoiled(bundle: Json, chance: Random) -> Json:
    """One to four places of it deleted, doubled, renamed, swapped, or replaced by something odd."""
    bundle = deepcopy(bundle)
    for _ in range(chance.randint(1, 4)):
        *way, last = chance.choice(list(places(bundle)))
        part: Any = bundle
        for step in way:
            part = part[step]
        how = chance.randrange(6)
        if how == 0:
            del part[last]
        elif how == 1 and isinstance(part, list):
            part.append(deepcopy(part[int(last)]))
        elif how == 2 and isinstance(part, dict):
            part[chance.choice([CANARY, "code", "value", "reference", "item"])] = part.pop(last)
        elif how == 3 and isinstance(part, list):
            chance.shuffle(part)
        else:
            part[last] = deepcopy(chance.choice(WORST))
    return bundle


def messages() -> list[Json]:
    documents = list(scenario_documents().values())
    written = [write_bundle(each, Envoy("b", SENDER)) for each in documents]
    return [*(example(name) for name in EXAMPLES), *written]


@pytest.mark.timeout(900)
async def test_1_500_spoiled_messages(intake: Behind, caplog: pytest.LogCaptureFixture) -> None:
    chance, sources = Random(SEED), messages()
    statuses: dict[int, int] = {}
    for number in range(MESSAGES):
        source = sources[number % len(EXAMPLES)] if number % 2 else chance.choice(sources)
        bundle = spoiled(source, chance) | {"id": str(uuid4())}
        answer = await send(intake, bundle)
        statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
        assert answer.status_code < 500, (number, answer.text)
        assert CANARY.lower() not in answer.text.lower(), (number, answer.text)
        body = json.loads(answer.content)
        get_fhir_model_class(body["resourceType"]).model_validate(body)
    assert CANARY not in caplog.text
    assert statuses.keys() <= {200, 400, 403, 404, 409, 422}
    assert statuses[200] > 100  # many a mistake is in what nobody reads
    assert statuses[422] > 100
    assert await count(intake.engine, "referral") > 50
    events = await count(intake.engine, f"event WHERE value ILIKE '%{CANARY}%'")
    told = await count(intake.engine, f"request WHERE CAST(answer AS text) ILIKE '%{CANARY}%'")
    assert (events, told) == (0, 0)


async def test_a_message_as_large_as_the_limit_is_answered(intake: Behind) -> None:
    bundle = example("born")
    patient = resource(bundle, "Patient")
    filler = {"fullUrl": "urn:uuid:1", "resource": {"resourceType": "Patient", "name": 5}}
    patient["name"] = [{"given": ["A"]}] * 500
    room = BODY_BYTES - len(json.dumps(bundle))
    bundle["entry"] += [filler] * (room // len(f"{json.dumps(filler)}, "))
    assert BODY_BYTES - 100 < len(json.dumps(bundle)) <= BODY_BYTES
    answer = await send(intake, bundle)
    assert answer.status_code == 422
    assert len(answer.json()["issue"]) <= 100
