"""structlog as JSON lines on stdout: codes, ids and kinds of error; never a value that came from outside."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Mapping, MutableMapping
from typing import Any, Final

import structlog

from shared.errors import failure_name

REPEAT_SECONDS: Final = 10.0
"""A library's line of the same kind is written at most this often."""


def configure(service: str, level: str) -> None:
    """Our own lines from `level`, those of libraries from WARNING, everything in one format."""
    shared_steps: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _named(service),
    ]
    structlog.configure(
        processors=[*shared_steps, _without_values, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared_steps,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _without_values,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    handler.addFilter(_RateLimit())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    for noisy in ("aiokafka", "sqlalchemy", "uvicorn"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _named(service: str) -> Any:
    def add(_: Any, __: str, line: MutableMapping[str, Any]) -> Mapping[str, Any]:
        line["service"] = service
        return line

    return add


def _without_values(_: Any, __: str, line: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """An exception's text may quote what a person sent: keep its type and where it was raised, not its words."""
    error = line.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()
    if isinstance(error, BaseException):
        error = (type(error), error, error.__traceback__)
    if isinstance(error, tuple) and error[0] is not None:
        line["error"] = failure_name(error[1]) if error[1] else error[0].__name__
        line["raised_at"] = _places(error[2])
    line.pop("stack_info", None)
    return line


def _places(traceback: Any) -> list[str]:
    places = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        places.append(f"{code.co_filename.rsplit('/', 1)[-1]}:{traceback.tb_lineno} {code.co_name}")
        traceback = traceback.tb_next
    return places[-8:]


class _RateLimit(logging.Filter):
    def __init__(self) -> None:
        super().__init__()
        self._last: dict[tuple[str, int], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        kind, now = (record.name, record.lineno), time.monotonic()
        if now - self._last.get(kind, -REPEAT_SECONDS) < REPEAT_SECONDS:
            return False
        self._last[kind] = now
        return True
