"""A real API server takes what deploy/kubernetes has, in the order of docs/kubernetes.md, without a warning."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any, Final

import pytest
from ruamel.yaml import YAML

from deploy import manifests, service_secrets
from deploy.secrets import SERVICES, environment_file
from tests.architecture.test_kubernetes import pods
from tests.kubernetes.api_server import ApiServer

URL: Final = "postgresql://pir:a-password@database.example.org:5432/pir?sslmode=verify-full"
APPLY: Final = ("apply", "--server-side", "--filename", "-")


@dataclass(frozen=True, slots=True)
class Install:
    """One overlay on the server."""

    server: ApiServer
    overlay: Path
    objects: list[dict[str, Any]]

    @property
    def namespace(self) -> str:
        [found] = (each["metadata"]["name"] for each in self.objects if each["kind"] == "Namespace")
        return str(found)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """Knows the kinds of the operators whose definitions are in the folder PIR_CRDS."""
    folder = tmp_path_factory.mktemp("kubernetes")
    assets = os.environ.get("KUBEBUILDER_ASSETS") or pytest.fail("KUBEBUILDER_ASSETS names no folder of programs")
    with ApiServer(Path(assets), folder) as running:
        if kinds := os.environ.get("PIR_CRDS"):
            running.does("apply", "--server-side", "--filename", kinds)
            running.does("wait", "--for=condition=Established", "--timeout=60s", "--filename", kinds)
        yield running


@pytest.fixture(scope="module", params=manifests.overlays(), ids=lambda each: each.name)
def install(request: pytest.FixtureRequest, server: ApiServer, tmp_path_factory: pytest.TempPathFactory) -> Install:
    """Applied after what docs/kubernetes.md has made before."""
    made = Install(server, request.param, manifests.rendered(request.param))
    if any(map(manifests.is_an_operators, made.objects)) and not os.environ.get("PIR_CRDS"):
        pytest.skip("PIR_CRDS names no folder with the operators' definitions")
    server.does("create", "namespace", made.namespace)
    given = service_secrets.secrets_of(service_secrets.read(environment_file()), URL)
    server.does(*APPLY, "--namespace", made.namespace, given=json.dumps(service_secrets.objects(given)))
    folder = tmp_path_factory.mktemp("authorities")
    for name in ("database.pem", "kafka.pem"):
        (folder / name).write_text("a certificate", encoding="utf-8")
    server.does("create", "configmap", "authorities", "--namespace", made.namespace, f"--from-file={folder}")
    server.does("apply", "--server-side", "--kustomize", made.overlay)
    return made


def as_pod(name: str, template: dict[str, Any], namespace: str) -> dict[str, Any]:
    """A pod as a controller would make it."""
    pod = copy.deepcopy(template)
    there = {volume["name"] for volume in pod["spec"]["volumes"]}
    for mounted in pod["spec"]["containers"][0]["volumeMounts"]:
        if mounted["name"] not in there:  # claimed by the StatefulSet
            claim = {"name": mounted["name"], "persistentVolumeClaim": {"claimName": f"{mounted['name']}-{name}-0"}}
            pod["spec"]["volumes"].append(claim)
    named = {"name": f"{name}-tried", "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Pod", **pod, "metadata": pod["metadata"] | named}


def created(server: ApiServer, pod: dict[str, Any]) -> str:
    """What the server says against it; nothing when it is there."""
    return server.kubectl("create", "--filename", "-", given=json.dumps(pod)).stderr


def test_every_object_is_there(install: Install) -> None:
    for each in install.objects:
        group, has_group, _ = each["apiVersion"].partition("/")
        kind = f"{each['kind']}.{group}" if has_group else each["kind"]
        stored = install.server.finds(kind, each["metadata"]["name"], install.namespace)
        assert stored["apiVersion"] == each["apiVersion"]


def test_what_is_applied_again_changes_nothing(install: Install) -> None:
    done = install.server.kubectl("diff", "--server-side", "--kustomize", install.overlay)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def test_a_member_that_a_kind_does_not_have_is_refused(install: Install) -> None:
    """Of the operators' kinds, too: or what is applied here would show nothing."""
    kinds = {each["kind"]: each for each in install.objects if "spec" in each}
    for kind, each in kinds.items():
        wrong = copy.deepcopy(each)
        wrong["spec"]["nobodyKnows"] = True
        assert "nobodyKnows" in install.server.kubectl(*APPLY, given=json.dumps(wrong)).stderr, kind


def test_every_pod_may_run_in_a_namespace_that_is_restricted(install: Install) -> None:
    assert pods(install.objects)
    for name, template in pods(install.objects).items():
        assert created(install.server, as_pod(name, template, install.namespace)) == "", name


@pytest.mark.parametrize(
    "looser",
    [
        {"runAsNonRoot": False, "runAsUser": 0},
        {"allowPrivilegeEscalation": True},
        {"capabilities": {"add": ["NET_RAW"]}},
    ],
    ids=["root", "escalation", "capability"],
)
def test_a_pod_with_more_rights_is_refused(install: Install, looser: dict[str, Any]) -> None:
    pod = as_pod("looser", pods(install.objects)["triage"], install.namespace)
    pod["spec"]["containers"][0]["securityContext"] |= looser
    assert "violates PodSecurity" in created(install.server, pod)


def test_a_new_version_is_applied_as_the_docs_say(install: Install) -> None:
    server, within = install.server, ("--namespace", install.namespace)
    newer = StringIO()
    YAML(typ="safe").dump_all([with_tag(each, "0.2.0") for each in install.objects], newer)
    refused = server.kubectl(*APPLY, given=newer.getvalue())
    assert "field is immutable" in refused.stderr, "then nobody would have to delete the job before"
    server.does("delete", "job", "setup", *within)
    server.does("rollout", "pause", *within, *(f"deployment/{service}" for service in SERVICES))
    server.does(*APPLY, given=newer.getvalue())
    for service in SERVICES:
        assert server.finds("deployment", service, install.namespace)["spec"]["paused"]
        server.does("rollout", "resume", *within, f"deployment/{service}")
        stored = server.finds("deployment", service, install.namespace)["spec"]
        assert "paused" not in stored
        assert stored["template"]["spec"]["containers"][0]["image"].endswith(":0.2.0")


def with_tag(each: dict[str, Any], tag: str) -> dict[str, Any]:
    """The object with another version of our image."""
    changed = copy.deepcopy(each)
    for template in pods([changed]).values():
        [container] = template["spec"]["containers"]
        container["image"] = f"{container['image'].rpartition(':')[0]}:{tag}"
    return changed
