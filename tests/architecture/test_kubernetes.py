"""deploy/kubernetes as it is applied: settings, ports, probes, rights, ways of the network, and no secret."""

from __future__ import annotations

import copy
import re
from collections import defaultdict
from typing import Any, Final
from urllib.parse import urlsplit

import pytest

from deploy import kafka_users, manifests, service_secrets
from deploy.secrets import CALLS, environment_file
from shared.messaging.consumer import group_of
from shared.runtime import STOP_SECONDS, Service
from shared.settings import variable_of
from shared.version import VERSION
from tests.architecture.apps import client_of
from tests.architecture.test_deploy import OURS
from tests.architecture.test_layout import ROOT
from tests.architecture.test_proxy import passed_on

NAME: Final = "app.kubernetes.io/name"
URL: Final = "postgresql://pir:a-password@database.example.org:5432/pir?sslmode=verify-full"
OF_SETUP: Final = {"PIR_KAFKA_USER", "PIR_DESK_INBOX", "PIR_SECRETS_DIR"}


@pytest.fixture(scope="module", params=manifests.overlays(), ids=lambda each: each.name)
def objects(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    return manifests.rendered(request.param)


def of_kind(objects: list[dict[str, Any]], *kinds: str) -> dict[str, dict[str, Any]]:
    return {each["metadata"]["name"]: each for each in objects if each["kind"] in kinds}


def pods(objects: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Name → what its pods are made from."""
    found = of_kind(objects, "Deployment", "StatefulSet", "Job", "CronJob", "DaemonSet", "Pod", "ReplicaSet")
    return {name: each["spec"]["template"] for name, each in found.items()}


def container(pod: dict[str, Any]) -> dict[str, Any]:
    [only] = pod["spec"]["containers"]
    assert "initContainers" not in pod["spec"]
    found: dict[str, Any] = only
    return found


def environment(objects: list[dict[str, Any]], name: str) -> dict[str, str]:
    maps, made = of_kind(objects, "ConfigMap"), container(pods(objects)[name])
    found: dict[str, str] = {}
    for each in made["envFrom"]:
        found |= maps[each["configMapRef"]["name"]]["data"]
    for each in made["env"]:
        assert "valueFrom" not in each
        found[each["name"]] = each["value"]
    return found


def secret_files() -> dict[str, dict[str, str]]:
    return service_secrets.secrets_of(service_secrets.read(environment_file()), URL)


def known_to(service: str) -> set[str]:
    settings = OURS[service]
    return {variable_of(settings, name) for name in settings.model_fields} | {"PIR_SECRETS_DIR"}


@pytest.mark.parametrize("version", manifests.newest_versions())
def test_every_object_is_valid_in_the_newest_versions(objects: list[dict[str, Any]], version: str) -> None:
    assert list(manifests.faults(objects, version)) == []


def test_there_are_three_versions_and_a_field_that_is_not_in_the_schema_is_a_fault(
    objects: list[dict[str, Any]],
) -> None:
    assert len(set(manifests.newest_versions())) == 3
    wrong = copy.deepcopy(of_kind(objects, "Deployment")["triage"])
    container(wrong["spec"]["template"])["securityContext"]["runAsNonroot"] = True
    assert list(manifests.faults([wrong], manifests.newest_versions()[-1]))


@pytest.mark.parametrize("service", OURS)
def test_every_variable_is_a_setting_and_the_service_takes_them(
    objects: list[dict[str, Any]], service: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    told = environment(objects, service)
    assert set(told) - known_to(service) == set()
    for name, value in (told | {"PIR_SECRETS_DIR": str(tmp_path)}).items():
        monkeypatch.setenv(name, value)
    for name, value in secret_files()[service].items():
        (tmp_path / name).write_text(value)
    if told.get("PIR_OIDC_METADATA_URL"):
        (tmp_path / "PIR_OIDC_CLIENT_SECRET").write_text("of the provider")
    settings = OURS[service]()
    assert settings.dsn.startswith(f"postgresql://pir_{service}:")
    assert not settings.is_development


def test_setup_and_commands_are_told_what_they_ask_for(objects: list[dict[str, Any]]) -> None:
    common = set.intersection(*(known_to(service) for service in OURS))
    assert set(environment(objects, "setup")) - common - OF_SETUP == set()
    assert set(environment(objects, "commands")) - known_to("referral") == set()


@pytest.mark.parametrize("service", OURS)
def test_ports_are_those_that_the_service_listens_on(objects: list[dict[str, Any]], service: str) -> None:
    told, made = environment(objects, service), container(pods(objects)[service])
    ports = {each["name"]: str(each["containerPort"]) for each in made["ports"]}
    assert ports == {"http": told[f"PIR_{service.upper()}_PORT"], "internal": told["PIR_INTERNAL_PORT"]}
    services = of_kind(objects, "Service")
    assert [each["targetPort"] for each in services[service]["spec"]["ports"]] == ["http"]
    assert [each["targetPort"] for each in services[f"{service}-internal"]["spec"]["ports"]] == ["internal"]
    for name in (service, f"{service}-internal"):
        assert services[name]["spec"]["selector"].items() <= pods(objects)[service]["metadata"]["labels"].items()


def test_services_call_each_other_where_they_answer_inside(objects: list[dict[str, Any]]) -> None:
    for name in (*OURS, "commands"):
        for variable, value in environment(objects, name).items():
            if found := re.fullmatch(r"PIR_(REFERRAL|TRIAGE|NOTIFY|METRICS)_URL", variable):
                assert value == f"http://{found[1].lower()}-internal:9000"


@pytest.mark.parametrize("service", OURS)
async def test_probes_ask_what_the_service_answers(
    objects: list[dict[str, Any]], service: str, apps: dict[str, Service]
) -> None:
    made = container(pods(objects)[service])
    asked = {name: made[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness", "readiness")}
    assert {each["port"] for each in asked.values()} == {"http"}
    assert [asked[name]["path"] for name in asked] == ["/health/live", "/health/live", "/health/ready"]
    async with client_of(apps[service]) as client:
        for each in asked.values():
            assert (await client.get(each["path"])).status_code in (200, 503)


def test_a_pod_has_time_to_stop(objects: list[dict[str, Any]]) -> None:
    for name in OURS:
        waits = container(pods(objects)[name])["lifecycle"]["preStop"]["sleep"]["seconds"]
        assert pods(objects)[name]["spec"]["terminationGracePeriodSeconds"] > waits + STOP_SECONDS


def test_nothing_runs_as_root_or_may_do_anything(objects: list[dict[str, Any]]) -> None:
    assert set(pods(objects)) == {*OURS, "setup", "commands"}
    for name, pod in pods(objects).items():
        spec, own = pod["spec"], container(pod)["securityContext"]
        assert spec["securityContext"]["runAsNonRoot"] is own["runAsNonRoot"] is True, name
        assert spec["securityContext"]["runAsUser"] == 10001
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert own["readOnlyRootFilesystem"] is True
        assert own["allowPrivilegeEscalation"] is False
        assert own["capabilities"] == {"drop": ["ALL"]}
        assert spec["automountServiceAccountToken"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
        assert not [each for each in spec["volumes"] if "hostPath" in each]
    for account in of_kind(objects, "ServiceAccount").values():
        assert account["automountServiceAccountToken"] is False
    assert not of_kind(objects, "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")
    [namespace] = of_kind(objects, "Namespace").values()
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_the_user_is_that_of_the_image_and_what_is_written_has_a_folder(objects: list[dict[str, Any]]) -> None:
    assert "USER 10001:10001" in (ROOT / "deploy/Dockerfile").read_text(encoding="utf-8")
    for name, pod in pods(objects).items():
        mounted = {each["mountPath"] for each in container(pod)["volumeMounts"] if not each.get("readOnly")}
        told = environment(objects, name)
        written = [told["PIR_AUDIT_HEADS_FILE"], *(told[each] for each in ("PIR_ERASURE_LEDGER",) if each in told)]
        assert {file.rpartition("/")[0] for file in written} | {"/tmp"} == mounted


def test_no_secret_is_here(objects: list[dict[str, Any]]) -> None:
    assert of_kind(objects, "Secret") == {}
    secret = {name for service in OURS for name in service_secrets.secret_settings(service)}
    secret |= set(secret_files()["setup"])
    for name in pods(objects):
        assert not set(environment(objects, name)) & secret, name
    texts = [str(each) for each in objects]
    assert not [text for text in texts if re.search(r"://[^/'\s]+:[^/@'\s]+@|BEGIN [A-Z ]*PRIVATE KEY", text)]


def test_each_pod_holds_the_secret_of_its_own_alone(objects: list[dict[str, Any]]) -> None:
    held = {
        name: [each["secret"]["secretName"] for each in pod["spec"]["volumes"] if "secret" in each]
        for name, pod in pods(objects).items()
    }
    assert held == {name: [name] for name in (*OURS, "setup")} | {"commands": ["referral"]}
    assert set(secret_files()) == {*OURS, "setup"}
    for pod in pods(objects).values():
        assert {"name": "secrets", "mountPath": "/run/secrets/pir", "readOnly": True} in container(pod)["volumeMounts"]


def test_a_service_is_given_its_own_keys_and_its_own_name_in_the_database() -> None:
    found = secret_files()
    assert "PIR_MASTER_KEY" in found["referral"]
    assert not [name for name in OURS if name != "referral" and "PIR_MASTER_KEY" in found[name]]
    assert {name: urlsplit(found[name]["DATABASE_URL"]).username for name in OURS} == {
        name: f"pir_{name}" for name in OURS
    }
    given = service_secrets.read(environment_file())
    del given["PIR_MASTER_KEY"]
    with pytest.raises(KeyError, match="PIR_MASTER_KEY"):
        service_secrets.secrets_of(given, URL)


def test_each_deployment_has_copies_on_different_machines_and_a_budget(objects: list[dict[str, Any]]) -> None:
    budgets = of_kind(objects, "PodDisruptionBudget")
    for name, each in of_kind(objects, "Deployment").items():
        assert each["spec"]["replicas"] >= 2
        assert each["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
        assert budgets[name]["spec"]["maxUnavailable"] == 1
        assert budgets[name]["spec"]["selector"] == each["spec"]["selector"]
        keys = {rule["topologyKey"] for rule in pods(objects)[name]["spec"]["topologySpreadConstraints"]}
        assert keys == {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}


def test_memory_is_asked_for_and_bounded(objects: list[dict[str, Any]]) -> None:
    for pod in pods(objects).values():
        resources = container(pod)["resources"]
        assert resources["requests"]["memory"]
        assert resources["limits"].keys() == {"memory"}


def test_our_image_has_one_name_in_all_pods(objects: list[dict[str, Any]]) -> None:
    [image] = {container(pod)["image"] for pod in pods(objects).values()}
    assert image.endswith(f":{VERSION}")


def applies(policy: dict[str, Any], name: str) -> bool:
    return selects(policy["spec"]["podSelector"], {NAME: name, "app.kubernetes.io/part-of": "parent-infant-referrals"})


def selects(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    for each in selector.get("matchExpressions", []):
        assert each["operator"] == "In"
        if labels.get(each["key"]) not in each["values"]:
            return False
    return selector.get("matchLabels", {}).items() <= labels.items()


def named(peers: list[dict[str, Any]]) -> set[str]:
    """Our own pods that a rule names."""
    everybody = (*OURS, "setup", "commands")
    return {
        name
        for peer in peers
        if "podSelector" in peer and "namespaceSelector" not in peer
        for name in everybody
        if selects(peer["podSelector"], {NAME: name})
    }


def test_nothing_goes_in_or_out_by_default(objects: list[dict[str, Any]]) -> None:
    policy = of_kind(objects, "NetworkPolicy")["default-deny"]["spec"]
    assert policy == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


@pytest.mark.parametrize("service", OURS)
def test_the_inside_is_reached_by_those_who_call_it_and_by_prometheus(
    objects: list[dict[str, Any]], service: str
) -> None:
    policies = of_kind(objects, "NetworkPolicy").values()
    rules = [rule for each in policies if applies(each, service) for rule in each["spec"].get("ingress", [])]
    inside = [rule for rule in rules if {"protocol": "TCP", "port": 9000} in rule.get("ports", [])]
    assert all(rule.get("ports") and rule.get("from") for rule in rules), "open to all"
    peers = [peer for rule in inside for peer in rule["from"]]
    callers = {caller for caller, called in CALLS if called == service and caller != service}
    assert named(peers) == callers | ({"commands"} if ("referral", service) in CALLS else set())
    [outside] = [peer for peer in peers if "namespaceSelector" in peer]
    assert outside["namespaceSelector"]["matchLabels"] == {"parent-infant-referrals/monitoring": "true"}
    assert outside["podSelector"]["matchLabels"] == {NAME: "prometheus"}
    for caller in named(peers):
        out = [rule for each in policies if applies(each, caller) for rule in each["spec"].get("egress", [])]
        assert service in set().union(*(named(rule.get("to", [])) for rule in out)), f"{caller} may not go there"


def test_notify_alone_reaches_the_mail_server(objects: list[dict[str, Any]]) -> None:
    port = int(environment(objects, "notify")["PIR_SMTP_PORT"])
    for name in pods(objects):
        rules = [
            rule
            for each in of_kind(objects, "NetworkPolicy").values()
            if applies(each, name)
            for rule in each["spec"].get("egress", [])
        ]
        assert all(rule.get("ports") for rule in rules)
        assert any(each["port"] == port for rule in rules for each in rule["ports"]) is (name == "notify"), name


def test_copies_of_all_services_fit_into_the_connections_that_the_docs_ask_for(objects: list[dict[str, Any]]) -> None:
    operations = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    [(most, of_notify)] = re.findall(r"at most (\d+) connections to PostgreSQL, notify (\d+)", operations)
    each = dict.fromkeys(OURS, int(most)) | {"notify": int(of_notify)}
    copies = {name: made["spec"]["replicas"] for name, made in of_kind(objects, "Deployment").items()}
    copies |= {name: made["spec"]["maxReplicaCount"] for name, made in of_kind(objects, "ScaledObject").items()}
    total = sum(each[name] * (copies[name] + 1) for name in OURS)
    [limit] = re.findall(r"`max_connections` of (\d+)", (ROOT / "docs/kubernetes.md").read_text(encoding="utf-8"))
    for database in of_kind(objects, "Cluster").values():
        limit = database["spec"]["postgresql"]["parameters"]["max_connections"]
    assert total + 25 <= int(limit), "one more copy of each in a rollout, setup, commands and backups besides"


# What operators are asked for.


@pytest.fixture(scope="module")
def region() -> list[dict[str, Any]]:
    return manifests.rendered(manifests.OVERLAYS / "region")


def test_kafkas_users_have_the_rights_that_setup_gives_and_the_passwords_of_their_services(
    region: list[dict[str, Any]],
) -> None:
    """The operator takes away what it does not know: both have to say the same."""
    users = of_kind(region, "KafkaUser")
    [kafka] = of_kind(region, "Kafka").values()
    assert kafka["spec"]["kafka"]["authorization"] == {"type": "simple", "superUsers": ["admin"]}
    assert environment(region, "setup")["PIR_KAFKA_USER"] == "admin"
    assert set(users) == {"admin", *map(kafka_users.user_of, OURS)}
    for service in OURS:
        user = users[kafka_users.user_of(service)]["spec"]
        assert user["authentication"]["password"]["valueFrom"]["secretKeyRef"]["name"] == service
        given = {
            (operation.upper(), each["resource"]["type"].upper(), each["resource"]["name"])
            for each in user["authorization"]["acls"]
            for operation in each["operations"]
        }
        assert given == set(kafka_users.rights(service))


def test_records_and_rows_survive_a_machine(region: list[dict[str, Any]]) -> None:
    [kafka], [database], [brokers] = (of_kind(region, kind).values() for kind in ("Kafka", "Cluster", "KafkaNodePool"))
    config = kafka["spec"]["kafka"]["config"]
    assert (brokers["spec"]["replicas"], database["spec"]["instances"]) == (3, 3)
    assert (config["default.replication.factor"], config["min.insync.replicas"]) == (3, 2)
    assert (config["offsets.topic.replication.factor"], config["transaction.state.log.min.isr"]) == (3, 2)
    assert database["spec"]["postgresql"]["synchronous"] == {"method": "any", "number": 1, "dataDurability": "required"}


def test_services_find_the_data_where_the_operators_put_it(region: list[dict[str, Any]]) -> None:
    [kafka], [database] = (of_kind(region, kind).values() for kind in ("Kafka", "Cluster"))
    [listener] = kafka["spec"]["kafka"]["listeners"]
    bootstrap = f"{kafka['metadata']['name']}-kafka-bootstrap"
    for name in (*OURS, "setup"):
        assert environment(region, name)["KAFKA_BOOTSTRAP_SERVERS"] == f"{bootstrap}:{listener['port']}"
        [made] = [each for each in pods(region)[name]["spec"]["volumes"] if each["name"] == "authorities"]
        files = {each["secret"]["name"]: each["secret"]["items"][0]["path"] for each in made["projected"]["sources"]}
        assert files == {f"{database['metadata']['name']}-ca": "database.pem", "kafka-cluster-ca-cert": "kafka.pem"}
    for name, scaled in of_kind(region, "ScaledObject").items():
        told = scaled["spec"]["triggers"][0]["metadata"]
        assert told["bootstrapServers"] == f"{bootstrap}.{scaled['metadata']['namespace']}:{listener['port']}"
        assert told["consumerGroup"] == group_of(name)
        assert scaled["spec"]["minReplicaCount"] == of_kind(region, "Deployment")[name]["spec"]["replicas"]


def test_the_gateway_passes_on_what_the_document_names(region: list[dict[str, Any]]) -> None:
    """But for the service map, which not every council publishes."""
    of_the_map = {"/", "/services", "/service_at_locations", "/taxonomies", "/taxonomy_terms"}
    routed: dict[str, set[str]] = defaultdict(set)
    for route in of_kind(region, "HTTPRoute").values():
        for rule in route["spec"]["rules"]:
            [to] = (each["name"] for each in rule["backendRefs"])
            routed[to] |= {match["path"]["value"] for match in rule["matches"]}
    named_there = {service: set(addresses) for service, addresses in passed_on().items()}
    named_there["triage"] -= {*of_the_map, "/openapi.json"}
    assert routed == named_there
