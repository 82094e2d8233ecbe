"""The four services, built once for the tests of this folder."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from shared.runtime import Service
from tests.architecture.apps import NAMES, built


@pytest.fixture(scope="package")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the development credentials are."""
    return tmp_path_factory.mktemp("apps")


@pytest.fixture(scope="package")
def apps(folder: Path) -> dict[str, Service]:
    async def build_all() -> dict[str, Service]:
        return {name: await built(name, folder) for name in NAMES}

    return asyncio.run(build_all())
