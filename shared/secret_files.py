"""A setting comes from a variable, or from the file that `<variable>_FILE` names: then it stands in no environment.

It needs no packages, so that `python3 -m deploy.secrets` runs without any.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


class SecretFileError(Exception):
    """The file can't be read or is empty, or both ways are used; names variable and file, never the content."""


def from_file(variable: str, environ: Mapping[str, str] = os.environ) -> str | None:
    """The content of the file, without the end of its last line; None when no file is named."""
    if not (name := environ.get(f"{variable}_FILE")):
        return None
    if environ.get(variable):
        raise SecretFileError(f"{variable} and {variable}_FILE are both set: one of them is needed")
    try:
        found = Path(name).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise SecretFileError(f"{variable}_FILE: {name} can't be read ({type(error).__name__})") from None
    if not found:
        raise SecretFileError(f"{variable}_FILE: {name} is empty")
    return found


def secret(variable: str, environ: Mapping[str, str] = os.environ) -> str | None:
    """The value, whichever way it comes; None when it comes in neither."""
    return from_file(variable, environ) or environ.get(variable) or None
