"""One cluster for all tests of this folder; each leaves it whole, but the last one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster.network import is_possible
from tests.cluster.region import Region


@pytest.fixture(scope="session")
def region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    if not is_possible():
        pytest.fail("network namespaces need Linux, root and `ip` (iproute2)")
    with Region(tmp_path_factory.mktemp("region")) as found:
        yield found


@pytest.fixture(scope="session")
def accepted() -> dict[str, str]:
    """Every reference that was ever answered with 201: the cluster keeps its data between the tests."""
    return {}
