"""The open directory in the triage service as it is wired: open in development, closed while the map is invented."""

from __future__ import annotations

import tomllib
from pathlib import Path

import httpx
import pytest

from services.triage import app as triage_app
from services.triage.settings import Settings
from shared.runtime import Service
from tests.architecture.apps import NAMES, client_of, in_production
from tests.architecture.test_access import ACCESS, EXAMPLES, OPEN
from tests.builders import POLICIES

OPEN_DIRECTORY = ("/", "/services", "/services/{service_id}", "/service_at_locations", "/taxonomies", "/taxonomy_terms")
SHIPPED = (POLICIES.parent / "service_maps" / "nottingham.toml").read_text(encoding="utf-8")


async def got(service: Service, path: str, *, origin: str = "https://directory.example.org") -> httpx.Response:
    async with client_of(service) as client:
        return await client.get(path.format(**EXAMPLES), headers={"Origin": origin})


async def in_live_use(folder: Path, text: str) -> Service:
    """Triage outside development with this map."""
    maps = folder / "maps"
    maps.mkdir()
    (maps / "nottingham.toml").write_text(text, encoding="utf-8")
    return await triage_app.build(Settings(**in_production(folder, service_maps_dir=maps)))


@pytest.mark.parametrize("path", OPEN_DIRECTORY)
async def test_in_development_the_invented_map_can_be_read_by_any_page(apps: dict[str, Service], path: str) -> None:
    answer = await got(apps["triage"], path)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("path", OPEN_DIRECTORY)
async def test_an_invented_map_is_not_published(tmp_path: Path, path: str) -> None:
    service = await in_live_use(tmp_path, SHIPPED)
    answer = await got(service, path)
    assert answer.status_code == 503
    assert answer.json()["type"] == "urn:pir:problem:not-published"


async def test_a_map_of_real_services_is_published(tmp_path: Path) -> None:
    assert tomllib.loads(SHIPPED)["is_invented"]
    service = await in_live_use(tmp_path, SHIPPED.replace("is_invented = true", "is_invented = false"))
    answer = await got(service, "/services")
    assert (answer.status_code, answer.json()["total_items"]) == (200, 15)


@pytest.mark.parametrize("name", NAMES)
async def test_no_other_call_lets_pages_of_other_origins_in(apps: dict[str, Service], name: str) -> None:
    paths = {call.partition(" ")[2] for call in ACCESS[name] if call.startswith("GET ")}
    others = [each for each in sorted(paths) if name != "triage" or each not in OPEN_DIRECTORY]
    for path in [*others, "/staff", "/openapi.json", "/nowhere"]:
        assert "access-control-allow-origin" not in (await got(apps[name], path)).headers, path


def test_what_is_open_of_triage_is_health_docs_and_the_directory() -> None:
    found = {call.partition(" ")[2] for call, who in ACCESS["triage"].items() if who is OPEN}
    assert found - {call.partition(" ")[2] for call in ACCESS["notify"]} == set(OPEN_DIRECTORY)
