"""Templates are compiled once in a process and in the copies of it, until their text is another."""

from __future__ import annotations

import functools
import importlib
from types import CodeType
from typing import Final

import jinja2
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


def keep_compiled() -> None:
    """From now on, for every environment of pages."""
    pages = importlib.import_module("shared.pages.environment")  # whose name is a function's in its package
    pages.Environment = functools.partial(jinja2.Environment, bytecode_cache=Compiled())  # type: ignore[attr-defined]
