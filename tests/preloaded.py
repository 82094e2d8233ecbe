"""What every copy of `tests/programs.py` has loaded already: libraries, and the templates of pages once compiled.

None of our own modules but the pages' environment: a service has the modules and measures that it loads itself.
"""

from __future__ import annotations

import functools
import gc
import importlib
from pathlib import Path

from shared import startup as startup  # noqa: PLC0414  first, as every service has it

# isort: split
import jinja2

LIBRARIES = (
    "aiokafka",
    "aiosmtplib",
    "asyncpg",
    "authlib.oauth2.rfc7523.assertion",
    "authlib.oidc.core",
    "fastapi",
    "faststream.kafka",
    "html.parser",
    "httpx",
    "itsdangerous",
    "joserfc.jwt",
    "msgpack",
    "nhs_number",
    "phonenumbers",
    "prometheus_client",
    "pydantic.v1",
    "pydantic_settings",
    "sqlalchemy.dialects.postgresql.asyncpg",
    "sqlalchemy.ext.asyncio",
    "structlog",
    "uvicorn.protocols.http.httptools_impl",
    "uvloop",
    "xlsxwriter",
)

for library in LIBRARIES:
    importlib.import_module(library)
templates = Path(__file__).parents[1] / ".pytest_cache" / "templates"
templates.mkdir(parents=True, exist_ok=True)
pages = importlib.import_module("shared.pages.environment")
kept = jinja2.FileSystemBytecodeCache(str(templates))
pages.Environment = functools.partial(jinja2.Environment, bytecode_cache=kept)  # type: ignore[attr-defined]
gc.freeze()  # or each copy would look through all of it
