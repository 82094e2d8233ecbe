"""What is slow to make and the same for every test of a process: compiled templates, the certificates that TLS trusts."""

from __future__ import annotations

import functools
import importlib
from types import CodeType
from typing import Final

import httpx
import jinja2
import pytest
from jinja2.bccache import Bucket, BytecodeCache


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
