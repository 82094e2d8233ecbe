"""What is slow to make and the same for every test of a process: templates, schemas, certificates, and files as read."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import httpx
import pytest
from pydantic import BaseModel

from services.referral.postcodes import lookup
from shared import languages, policy
from shared.pages import assets
from shared.service_map import reading
from tests.compiled import keep_compiled

Read = TypeVar("Read")


@pytest.fixture(scope="session", autouse=True)
def reused() -> None:
    """For as long as the process lasts."""
    keep_compiled()
    transports = httpx._transports.default
    transports.create_ssl_context = functools.cache(transports.create_ssl_context)  # type: ignore[assignment]
    assets._asset = functools.cache(assets._asset)
    languages._read = _once(languages._read)
    reading.load = _once(reading.load)
    policy.load = _once(policy.load)
    lookup._read_wards = functools.cache(lookup._read_wards)
    lookup._read_area = functools.cache(lookup._read_area)
    made = functools.cache(BaseModel.model_json_schema.__func__)  # type: ignore[attr-defined]
    schema = classmethod(lambda model, **how: copy.deepcopy(made(model, **how)))
    BaseModel.model_json_schema = schema  # type: ignore[method-assign,assignment]


def _once(read: Callable[[Path], Read]) -> Callable[[Path], Read]:
    """Each file is read again when its text is another, or it is gone."""

    @functools.cache
    def known(path: Path, _text: bytes) -> Read:
        return read(path)

    return lambda path: known(path, path.read_bytes()) if path.exists() else read(path)
