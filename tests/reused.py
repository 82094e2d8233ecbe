"""What is slow to make and the same for every test of a process: templates, schemas, policies, postcodes, certificates."""

from __future__ import annotations

import copy
import functools
import importlib
from pathlib import Path
from types import CodeType
from typing import Final

import httpx
import jinja2
import pytest
from jinja2.bccache import Bucket, BytecodeCache
from pydantic import BaseModel

from services.referral.postcodes import lookup
from shared import policy


class Compiled(BytecodeCache):
    """Each template once, until its text is another."""

    def __init__(self) -> None:
        self._known: Final[dict[tuple[str, str], CodeType]] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._known.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        assert bucket.code
        self._known[bucket.key, bucket.checksum] = bucket.code


@pytest.fixture(scope="session", autouse=True)
def reused() -> None:
    """For as long as the process lasts."""
    pages = importlib.import_module("shared.pages.environment")  # whose name is a function's in its package
    pages.Environment = functools.partial(jinja2.Environment, bytecode_cache=Compiled())  # type: ignore[attr-defined]
    transports = httpx._transports.default
    transports.create_ssl_context = functools.cache(transports.create_ssl_context)  # type: ignore[assignment]
    lookup._read_wards = functools.cache(lookup._read_wards)
    lookup._read_area = functools.cache(lookup._read_area)
    made = functools.cache(BaseModel.model_json_schema.__func__)  # type: ignore[attr-defined]
    schema = classmethod(lambda model, **how: copy.deepcopy(made(model, **how)))
    BaseModel.model_json_schema = schema  # type: ignore[method-assign,assignment]
    load = policy.load

    @functools.cache
    def loaded(path: Path, _text: bytes) -> policy.Policy:
        return load(path)

    policy.load = lambda path: loaded(path, path.read_bytes()) if path.exists() else load(path)
