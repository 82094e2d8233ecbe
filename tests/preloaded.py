"""What every copy of `tests/programs.py` has loaded already: libraries, and the templates of pages once compiled.

Of our own modules those that pages need, and no service: each has the measures that it makes itself.
"""

from __future__ import annotations

import gc
import importlib

from shared import startup as startup  # noqa: PLC0414  first, as every service has it

# isort: split
from shared.pages.environment import compile_all, environment
from shared.settings import ROOT
from tests.compiled import keep_compiled

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

PAGES = ("services/metrics/pages/templates", "services/referral/front/templates", "services/triage/pages")

for library in LIBRARIES:
    importlib.import_module(library)
keep_compiled()
for folder in map(ROOT.joinpath, PAGES):
    compile_all(environment(folder, reloads=False), folder)
gc.freeze()  # or each copy would look through all of it
