"""A real API server takes what deploy/kubernetes has, in the order of docs/kubernetes.md, without a warning."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any, Final

import pytest
from ruamel.yaml import YAML

from deploy import manifests, service_secrets
from deploy.secrets import SERVICES, environment_file
from tests.architecture.test_kubernetes import pods
from tests.kubernetes.api_server import ApiServer

NAMESPACE: Final = "council"
OVERLAY: Final = manifests.OVERLAYS / NAMESPACE
URL: Final = "postgresql://pir:a-password@database.example.org:5432/pir?sslmode=verify-full"
APPLY: Final = ("apply", "--server-side", "--namespace", NAMESPACE, "--filename", "-")


@pytest.fixture(scope="module")
def objects() -> list[dict[str, Any]]:
    return manifests.rendered(OVERLAY)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """With what docs/kubernetes.md has made before the overlay is applied."""
    folder = tmp_path_factory.mktemp("kubernetes")
    assets = os.environ.get("KUBEBUILDER_ASSETS") or pytest.fail("KUBEBUILDER_ASSETS names no folder of programs")
    with ApiServer(Path(assets), folder) as running:
        running.does("create", "namespace", NAMESPACE)
        given = service_secrets.secrets_of(service_secrets.read(environment_file()), URL)
        running.does(*APPLY, given=json.dumps(service_secrets.objects(given)))
        for name in ("database.pem", "kafka.pem"):
            (folder / name).write_text("a certificate", encoding="utf-8")
        files = [f"--from-file={folder / name}" for name in ("database.pem", "kafka.pem")]
        running.does("create", "configmap", "authorities", "--namespace", NAMESPACE, *files)
        running.does("apply", "--server-side", "--kustomize", OVERLAY)
        yield running


def as_pod(name: str, template: dict[str, Any]) -> dict[str, Any]:
    """A pod as a controller would make it."""
    pod = copy.deepcopy(template)
    there = {volume["name"] for volume in pod["spec"]["volumes"]}
    for mounted in pod["spec"]["containers"][0]["volumeMounts"]:
        if mounted["name"] not in there:  # claimed by the StatefulSet
            claim = {"name": mounted["name"], "persistentVolumeClaim": {"claimName": f"{mounted['name']}-{name}-0"}}
            pod["spec"]["volumes"].append(claim)
    named = {"name": f"{name}-tried", "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "Pod", **pod, "metadata": pod["metadata"] | named}


def created(server: ApiServer, pod: dict[str, Any]) -> str:
    """What the server says against it; nothing when it is there."""
    return server.kubectl("create", "--filename", "-", given=json.dumps(pod)).stderr


def test_every_object_is_there(server: ApiServer, objects: list[dict[str, Any]]) -> None:
    for each in objects:
        stored = server.finds(each["kind"], each["metadata"]["name"], NAMESPACE)
        assert stored["apiVersion"] == each["apiVersion"]


def test_what_is_applied_again_changes_nothing(server: ApiServer) -> None:
    done = server.kubectl("diff", "--server-side", "--kustomize", OVERLAY)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def test_every_pod_may_run_in_a_namespace_that_is_restricted(server: ApiServer, objects: list[dict[str, Any]]) -> None:
    assert pods(objects)
    for name, template in pods(objects).items():
        assert created(server, as_pod(name, template)) == "", name


@pytest.mark.parametrize(
    "looser",
    [
        {"runAsNonRoot": False, "runAsUser": 0},
        {"allowPrivilegeEscalation": True},
        {"capabilities": {"add": ["NET_RAW"]}},
    ],
    ids=["root", "escalation", "capability"],
)
def test_a_pod_with_more_rights_is_refused(
    server: ApiServer, objects: list[dict[str, Any]], looser: dict[str, Any]
) -> None:
    pod = as_pod("looser", pods(objects)["triage"])
    pod["spec"]["containers"][0]["securityContext"] |= looser
    assert "violates PodSecurity" in created(server, pod)


def test_a_new_version_is_applied_as_the_docs_say(server: ApiServer, objects: list[dict[str, Any]]) -> None:
    newer = StringIO()
    YAML(typ="safe").dump_all([with_tag(each, "0.2.0") for each in objects], newer)
    refused = server.kubectl(*APPLY, given=newer.getvalue())
    assert "field is immutable" in refused.stderr, "then nobody would have to delete the job before"
    server.does("delete", "job", "setup", "--namespace", NAMESPACE)
    names = [f"deployment/{service}" for service in SERVICES]
    server.does("rollout", "pause", "--namespace", NAMESPACE, *names)
    server.does(*APPLY, given=newer.getvalue())
    for service in SERVICES:
        assert server.finds("deployment", service, NAMESPACE)["spec"]["paused"]
        server.does("rollout", "resume", "--namespace", NAMESPACE, f"deployment/{service}")
        stored = server.finds("deployment", service, NAMESPACE)["spec"]
        assert "paused" not in stored
        assert stored["template"]["spec"]["containers"][0]["image"].endswith(":0.2.0")


def with_tag(each: dict[str, Any], tag: str) -> dict[str, Any]:
    """The object with another version of our image."""
    changed = copy.deepcopy(each)
    for template in pods([changed]).values():
        [container] = template["spec"]["containers"]
        container["image"] = f"{container['image'].rpartition(':')[0]}:{tag}"
    return changed
