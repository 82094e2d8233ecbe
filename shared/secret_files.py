"""A setting comes from a variable or from a file: then it stands in no environment.

`<variable>_FILE` names a file for one variable. PIR_SECRETS_DIR names a folder for all of them: each file in it has the
name of a variable, as a mounted Secret of Kubernetes has. It needs no packages, so that `python3 -m deploy.secrets`
runs without any.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


class SecretFileError(Exception):
    """The file can't be read or is empty, or two ways are used; names variable and file, never the content."""


def from_file(variable: str, environ: Mapping[str, str] = os.environ) -> str | None:
    """The content of the file, without the end of its last line; None when no file is named, and none is there."""
    named = environ.get(f"{variable}_FILE")
    kept = _in_folder(variable, environ)
    given = {variable: environ.get(variable), f"{variable}_FILE": named, f"{variable} in PIR_SECRETS_DIR": kept}
    ways = [way for way, value in given.items() if value]
    if len(ways) > 1:
        raise SecretFileError(f"{' and '.join(ways)} are both set: one of them is needed")
    return _content(ways[0], Path(named or kept or "")) if named or kept else None


def _in_folder(variable: str, environ: Mapping[str, str]) -> Path | None:
    folder = environ.get("PIR_SECRETS_DIR")
    file = Path(folder, variable) if folder else None
    return file if file and file.exists() else None


def _content(way: str, file: Path) -> str:
    try:
        found = file.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise SecretFileError(f"{way}: {file} can't be read ({type(error).__name__})") from None
    if not found:
        raise SecretFileError(f"{way}: {file} is empty")
    return found


def secret(variable: str, environ: Mapping[str, str] = os.environ) -> str | None:
    """The value, whichever way it comes; None when it comes in none."""
    return from_file(variable, environ) or environ.get(variable) or None
