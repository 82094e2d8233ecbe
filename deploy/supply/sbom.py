"""The bill of materials: a CycloneDX 1.6 document of what the image and `make run` contain, the same from one tree.

`pir:part` of a component says where it is: image (the services), local (`make run` and tests), compose (beside them).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from importlib.metadata import PackageNotFoundError, distribution
from typing import Final
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.model.license import DisjunctiveLicense, LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from deploy.supply.images import Image, images
from deploy.supply.licences import UNKNOWN, expression_of
from deploy.supply.lock import OURS, ROOT, Package, packages
from shared.version import VERSION

LOCAL_GROUPS: Final = ("local",)
JAR_FIELDS: Final = 3


def bill(made_at: datetime) -> str:
    """Return the document as JSON text; `made_at` stands in it, everything else comes from the committed files."""
    bom = Bom()
    bom.metadata.timestamp = made_at
    bom.metadata.component = ours = Component(
        name=OURS,
        version=VERSION,
        type=ComponentType.APPLICATION,
        bom_ref=f"{OURS}@{VERSION}",
        licenses=[LicenseExpression("MIT")],
    )
    in_image = packages()
    known = {(each.name, each.version) for each in in_image}
    local = [each for each in packages(LOCAL_GROUPS) if (each.name, each.version) not in known]
    parts = {each: _package(each, "image") for each in in_image} | {each: _package(each, "local") for each in local}
    by_name = {(each.name, each.version): component for each, component in parts.items()}
    rest = [*_browser_parts(), *_jars(), *(_image(each) for each in images(ROOT))]
    for component in [*parts.values(), *rest]:
        bom.components.add(component)
    bom.register_dependency(ours, [*parts.values(), *rest])
    for each, component in parts.items():
        bom.register_dependency(component, [by_name[need] for need in each.needs if need in by_name])
    bom.serial_number = uuid5(NAMESPACE_URL, " ".join(sorted(str(each.bom_ref) for each in bom.components)) + VERSION)
    return json.dumps(json.loads(JsonV1Dot6(bom).output_as_string()), indent=1, sort_keys=True) + "\n"


def _component(purl: PackageURL, part: str, hashes: Iterable[str] = (), *, kind: ComponentType) -> Component:
    return Component(
        name=purl.name,
        group=purl.namespace,
        version=purl.version,
        type=kind,
        purl=purl,
        bom_ref=str(purl),
        scope=ComponentScope.REQUIRED if part == "image" else ComponentScope.OPTIONAL,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=each) for each in hashes],
        properties=[Property(name="pir:part", value=part)],
    )


def _package(package: Package, part: str) -> Component:
    purl = PackageURL("pypi", None, package.name, package.version)
    component = _component(purl, part, package.hashes, kind=ComponentType.LIBRARY)
    try:
        expression = expression_of(distribution(package.name))
    except PackageNotFoundError:  # it is for another Python than this one
        expression = UNKNOWN
    if expression == UNKNOWN:
        component.licenses.add(DisjunctiveLicense(name="see the package"))
    else:
        component.licenses.add(LicenseExpression(expression))
    return component


def _jars() -> list[Component]:
    """Kafka's archives, from its lock: SHA-256, size and path in a Maven repository."""
    lines = (ROOT / "deploy/local/kafka.lock").read_text(encoding="utf-8").splitlines()
    found = []
    for line in lines:
        digest, _, path = line.split(maxsplit=JAR_FIELDS - 1)
        *group, artifact, version, _ = path.split("/")
        purl = PackageURL("maven", ".".join(group), artifact, version)
        found.append(_component(purl, "local", [digest], kind=ComponentType.LIBRARY))
    return found


def _image(image: Image) -> Component:
    """Name an image; the base of our own (Python) is a part of it, the others run beside it."""
    *namespace, name = image.name.split("/")
    qualifiers = {"tag": image.tag} if image.digest else None
    purl = PackageURL("docker", "/".join(namespace) or None, name, image.digest or image.tag, qualifiers)
    part = "image" if image.name == "python" else "compose"
    hashes = [image.digest.removeprefix("sha256:")] if image.digest else []
    return _component(purl, part, hashes, kind=ComponentType.CONTAINER)


def _browser_parts() -> list[Component]:
    """What the stylesheet of the pages was built from."""
    made_from = json.loads((ROOT / "deploy/assets/package.json").read_text(encoding="utf-8"))
    named = {**made_from.get("dependencies", {}), **made_from.get("devDependencies", {})}
    purls = [PackageURL("npm", None, name, version) for name, version in named.items() if name == "nhsuk-frontend"]
    return [_component(purl, "image", kind=ComponentType.LIBRARY) for purl in purls]
