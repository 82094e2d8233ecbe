"""The container images that docker-compose.yml and deploy/Dockerfile name: by tag, and by digest where it is known."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_NAMED = re.compile(r"(?P<name>[a-z0-9./-]+):(?P<tag>[\w.-]+)(?:@(?P<digest>sha256:[0-9a-f]{64}))?")
_COMPOSE = re.compile(r"^    image: (?!parent-infant-referrals:)(\S+)", re.MULTILINE)
_PYTHON = re.compile(r"^ARG PYTHON=(\S+)", re.MULTILINE)


@dataclass(frozen=True, order=True)
class Image:
    """`digest` is of the image for all kinds of machines (the index), empty when nobody has looked it up."""

    name: str
    tag: str
    digest: str = ""

    @property
    def by_tag(self) -> str:
        return f"{self.name}:{self.tag}"


def images(root: Path) -> list[Image]:
    """Every image but our own, sorted; raises ValueError for one without a tag."""
    written = _COMPOSE.findall((root / "docker-compose.yml").read_text(encoding="utf-8"))
    written += [f"python:{each}" for each in _PYTHON.findall((root / "deploy/Dockerfile").read_text(encoding="utf-8"))]
    return sorted(_read(each) for each in written)


def _read(text: str) -> Image:
    found = _NAMED.fullmatch(text)
    if not found:
        raise ValueError(f"{text} names no tag")
    return Image(found["name"], found["tag"], found["digest"] or "")
