"""The bytes of a directory's document: a file, or one https:// address and no other."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx

MOST_BYTES: Final = 5 * 1024 * 1024
"""A council's directory of some hundred services with all that is nested has about 1 MB."""
SECONDS: Final = 60.0
"""For all of it; and 15 for each part."""
_PART_SECONDS: Final = 15.0


class SourceError(Exception):
    """The source can't be drafted from; the message is for whoever runs the command."""


def read_source(source: str) -> bytes:
    """Read a file, or what one https:// address answers. Redirects are not followed, so that nothing else is asked.

    Raises SourceError for another kind of address, an answer that is not 200, more than 5 MiB, or more than a minute.
    """
    return _fetched(source) if "://" in source else _from_file(Path(source))


def name_of(source: str) -> str:
    """What a draft says of where it is from: no query, which may hold a key; of a file its name alone."""
    if "://" not in source:
        return Path(source).name
    address = urlsplit(source)
    return f"https://{address.netloc}{address.path}"


def _from_file(path: Path) -> bytes:
    if not path.is_file():
        raise SourceError(f"{path}: there is no such file")
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}") from error
    _check_size(content, str(path))
    return content


def _fetched(url: str) -> bytes:
    name = _checked(url)
    ends, content = time.monotonic() + SECONDS, bytearray()
    headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
    try:
        with (
            httpx.Client(verify=httpx.create_ssl_context(), follow_redirects=False, timeout=_PART_SECONDS) as client,
            client.stream("GET", url, headers=headers) as answer,
        ):
            if answer.is_redirect:
                raise SourceError(f"{name} sends us to another address, which is not followed: give that one")
            if answer.status_code != httpx.codes.OK:
                raise SourceError(f"{name} answers {answer.status_code}")
            if answer.headers.get("content-encoding", "identity") != "identity":
                raise SourceError(f"{name} answers in a packed form, which was not asked for")
            for part in answer.iter_raw():
                content += part
                _check_size(content, name)
                if time.monotonic() > ends:
                    raise SourceError(f"{name} takes more than {SECONDS:.0f} seconds")
    except httpx.HTTPError as error:
        raise SourceError(f"{name} can't be read: {error or type(error).__name__}") from error
    return bytes(content)


def _checked(url: str) -> str:
    """Return the address as messages name it. Raises SourceError for one that is not a plain https:// address."""
    try:
        address = urlsplit(url)
        is_plain = address.scheme == "https" and bool(address.hostname) and "@" not in address.netloc
        httpx.URL(url)
    except (ValueError, httpx.InvalidURL):
        is_plain = False
    if not is_plain:
        raise SourceError("only a file or an address that begins with https:// (without a name or password in it)")
    return name_of(url)


def _check_size(content: bytes | bytearray, name: str) -> None:
    if len(content) > MOST_BYTES:
        raise SourceError(f"{name} has more than 5 MiB: ask for fewer services at a time")
