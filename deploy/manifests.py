"""Render each overlay of deploy/kubernetes and check every object: `python -m deploy.manifests`, in `make check`.

Strictly (no field that the schema lacks), against the schemas of the newest versions of Kubernetes that are installed.
Those of operators have schemas of their own, which a real API server looks at (`make test-kubernetes`).
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import kubernetes_validate
from ruamel.yaml import YAML

from shared.settings import ROOT

OVERLAYS: Final = ROOT / "deploy" / "kubernetes" / "overlays"
VERSIONS: Final = 3
OPERATORS: Final = frozenset({"gateway.networking.k8s.io", "kafka.strimzi.io", "keda.sh", "postgresql.cnpg.io"})
"""Groups whose schemas Kubernetes itself does not have."""


def overlays() -> list[Path]:
    return sorted(file.parent for file in OVERLAYS.rglob("kustomization.yaml"))


def rendered(folder: Path) -> list[dict[str, Any]]:
    """The objects as they would be applied. Raises CalledProcessError when kustomize refuses the folder."""
    kubectl = Path(sys.executable).with_name("kubectl")
    done = subprocess.run([kubectl, "kustomize", folder], check=True, capture_output=True, text=True)
    return list(YAML(typ="safe").load_all(done.stdout))


def newest_versions() -> list[str]:
    found: list[str] = list(dict.fromkeys(kubernetes_validate.utils.all_versions()))  # strict and not, each twice
    return found[-VERSIONS:]


def is_an_operators(each: dict[str, Any]) -> bool:
    group: str = each["apiVersion"].partition("/")[0]
    return group in OPERATORS


def faults(objects: list[dict[str, Any]], version: str) -> Iterator[str]:
    """What is wrong by the schemas of this version, a line each."""
    for each in objects:
        if is_an_operators(each):
            continue
        name = f"{each['kind']}/{each['metadata']['name']}"
        try:
            kubernetes_validate.validate(each, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            yield f"{name} ({version}): {'/'.join(map(str, error.path))}: {error.message}"
        except kubernetes_validate.SchemaNotFoundError:
            yield f"{name} ({version}): there is no {each['kind']} of {each['apiVersion']}"


def main() -> int:
    wrong = []
    for folder in overlays():
        objects = rendered(folder)
        for version in newest_versions():
            wrong += [f"{folder.name}: {fault}" for fault in faults(objects, version)]
        print(f"{folder.name}: {len(objects)} objects, Kubernetes {', '.join(newest_versions())}")
    print(*wrong, sep="\n", end="\n" if wrong else "")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
