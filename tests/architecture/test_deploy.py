"""docker-compose.yml, the image and the monitoring files: what they promise, checked without Docker."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from deploy import secrets as deploy_secrets
from deploy.local import credentials
from deploy.local.services import of_service
from deploy.roles import role_of
from deploy.secrets import password_variable
from deploy.variables import SERVICES
from services.notify.settings import Tls
from shared.crypto import read_key
from shared.policy import load_all
from shared.secret_files import SecretFileError
from shared.settings import Profile

yaml = pytest.importorskip("ruamel.yaml", reason="the lint group brings it")

ROOT = Path(__file__).resolve().parents[2]
OURS: dict[str, Any] = SERVICES
THEIRS = ("postgres", "backup", "kafka", "mailpit", "prometheus", "alertmanager", "grafana")
KEYS = {
    "PIR_MASTER_KEY",
    "PIR_INDEX_KEY",
    "PIR_TRIAGE_MASTER_KEY",
    "PIR_NOTIFY_MASTER_KEY",
    "PIR_AUDIT_SIGNING_KEY",
}


def written(path: str) -> Any:
    return yaml.YAML(typ="safe").load((ROOT / path).read_text(encoding="utf-8"))


def given() -> dict[str, str]:
    """What `python3 -m deploy.secrets` writes, as Compose reads it."""
    lines = deploy_secrets.environment_file().splitlines()
    pairs = [line.split("=", 1) for line in lines if line and not line.startswith("#")]
    return {name: value.strip('"') for name, value in pairs}


def filled_in(value: Any, known: dict[str, str]) -> Any:
    """Compose's substitution: `${NAME}`, `${NAME:-default}`, `${NAME:?complaint}`."""

    def one(found: re.Match[str]) -> str:
        name, kind, word = found.groups()
        if known.get(name):
            return known[name]
        if kind == ":-":
            return word
        raise LookupError(f"{name}: {word}")

    if isinstance(value, str):
        return re.sub(r"\$\{(\w+)(?:(:-|:\?)([^}]*))?\}", one, value)
    if isinstance(value, dict):
        return {name: filled_in(each, known) for name, each in value.items()}
    return [filled_in(each, known) for each in value] if isinstance(value, list) else value


def compose(known: dict[str, str] | None = None) -> dict[str, Any]:
    services: dict[str, Any] = filled_in(written("docker-compose.yml"), given() if known is None else known)["services"]
    return services


def environment(name: str) -> dict[str, str]:
    """As the container gets it: a variable without a value is the host's, which has none here."""
    return {key: str(value) for key, value in compose()[name]["environment"].items() if value is not None}


@pytest.fixture(params=OURS)
def started(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> tuple[str, Any]:
    for variable in [*KEYS, "DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS", "PIR_CREDENTIALS_FILE", "PIR_MAIL_DIR"]:
        monkeypatch.delenv(variable, raising=False)
    for variable, value in environment(request.param).items():
        monkeypatch.setenv(variable, value)
    return request.param, OURS[request.param]()


def test_every_service_takes_the_settings_that_compose_gives_it(started: tuple[str, Any]) -> None:
    name, settings = started
    assert settings.profile is Profile.PRODUCTION
    assert settings.host == "0.0.0.0"
    assert settings.dsn.startswith(f"postgresql://pir_{name}:")
    assert settings.policy in load_all(settings.policies_dir)
    assert f"127.0.0.1:{settings.port}/health/live" in str(compose()[name]["healthcheck"]["test"])


def test_compose_starts_with_nothing_but_the_generated_file() -> None:
    assert set(compose()) == {*OURS, *THEIRS, "setup"}


def test_compose_refuses_to_start_without_a_secret() -> None:
    for secret in [*deploy_secrets.KEYS, *deploy_secrets.TOKENS]:
        with pytest.raises(LookupError, match=secret):
            compose(given() | {secret: ""})


def test_a_service_holds_only_its_own_keys() -> None:
    signs = {name: compose()[name]["environment"]["PIR_AUDIT_SIGNING_KEY"] for name in OURS}
    assert len(set(signs.values())) == len(OURS)
    held = {name: KEYS & set(compose()[name].get("environment", {})) for name in compose()}
    for name in OURS:
        held[name].remove("PIR_AUDIT_SIGNING_KEY")
        assert "heads:/var/lib/pir-audit" in compose()[name]["volumes"]
    assert held.pop("referral") == {"PIR_MASTER_KEY", "PIR_INDEX_KEY"}
    assert held.pop("triage") == {"PIR_TRIAGE_MASTER_KEY"}
    assert held.pop("notify") == {"PIR_NOTIFY_MASTER_KEY"}
    assert not any(held.values())


@pytest.mark.parametrize("variable", deploy_secrets.CALL_TOKENS)
def test_a_token_is_known_to_the_two_services_that_talk(variable: str) -> None:
    known = compose(given() | {variable: "a-token-to-look-for"})
    two = set(variable.removeprefix("PIR_TOKEN_").lower().split("_"))
    assert {name for name, service in known.items() if "a-token-to-look-for" in str(service)} == two


def test_the_token_for_counts_is_known_to_those_who_have_them_and_to_prometheus() -> None:
    known = compose(given() | {"PIR_SCRAPE_TOKEN": "a-token-to-look-for"})
    assert {name for name, service in known.items() if "a-token-to-look-for" in str(service)} == {*OURS, "setup"}
    assert {name for name, service in known.items() if "scrape-token" in service.get("secrets", ())} == {"prometheus"}
    [job] = written("deploy/prometheus/prometheus.yml")["scrape_configs"]
    assert job["authorization"]["credentials_file"] == "/run/secrets/scrape-token"


def test_each_service_enters_the_database_as_itself_and_setup_alone_as_the_owner_of_all() -> None:
    told = {
        name: service["environment"].get("DATABASE_URL", "")
        for name, service in compose().items()
        if name in (*OURS, "setup")
    }
    users = {name: urlsplit(url).username for name, url in told.items()}
    assert users == {"setup": "pir"} | {name: role_of(name) for name in OURS}
    for name in OURS:
        password = password_variable("database", name)
        known = compose(given() | {password: "a-word-to-look-for"})
        assert {each for each, service in known.items() if "a-word-to-look-for" in str(service)} == {name, "setup"}


@pytest.mark.parametrize("name", OURS)
def test_compose_and_make_run_give_a_service_the_same_secrets(name: str, tmp_path: Path) -> None:
    secrets = credentials.load(tmp_path / "credentials.json")["secrets"]
    told = of_service(name, {"DATABASE_URL": "postgresql://pir:x@127.0.0.1:1/pir"} | secrets, secrets)
    assert told.keys() & secrets.keys() == environment(name).keys() & secrets.keys()


def test_mail_goes_to_the_catcher_without_a_login_until_a_server_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in environment("notify").items():
        monkeypatch.setenv(variable, value)
    settings = OURS["notify"]()
    assert (settings.smtp_host, settings.smtp_port, settings.smtp_tls) == ("mailpit", 1025, Tls.NONE)
    assert settings.smtp_user is None


def test_nothing_is_published_beyond_this_machine() -> None:
    ports = [port for service in compose().values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_counts_servers_and_metrics_are_not_published() -> None:
    """Exact live counts are on the internal port alone; what the metrics service publishes is reports."""
    assert not [name for name in ("prometheus", "postgres", "kafka", "setup") if "ports" in compose()[name]]
    assert [each for each in compose()["metrics"]["ports"] if not each.endswith(":8004")] == []
    assert compose()["metrics"]["environment"]["PIR_INTERNAL_PORT"] == 9000


def test_postgresql_and_kafka_have_no_way_in_or_out() -> None:
    networks = written("docker-compose.yml")["networks"]
    assert networks["data"]["internal"]
    assert networks["watch"]["internal"]
    assert compose()["postgres"]["networks"] == compose()["kafka"]["networks"] == ["data"]


def test_every_container_is_without_privileges() -> None:
    for name, service in compose().items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service.get("read_only") or name == "kafka", name


def test_every_image_has_a_pinned_version() -> None:
    for name in THEIRS:
        assert re.search(r":v?\d+\.\d+(\.\d+)?(-\w+)?(@sha256:[0-9a-f]{64})?$", compose()[name]["image"]), name


def test_our_image_is_built_once_and_never_fetched() -> None:
    ours = {name: each for name, each in compose().items() if name in OURS or name == "setup"}
    assert [name for name, each in compose().items() if "build" in each] == ["setup"]
    assert len({each["image"] for each in ours.values()}) == 1
    assert {each["pull_policy"] for each in ours.values()} == {"never"}


def test_services_wait_for_the_deploy_step_and_stop_in_their_own_time() -> None:
    for name in OURS:
        assert compose()[name]["depends_on"] == {"setup": {"condition": "service_completed_successfully"}}
        assert compose()[name]["stop_grace_period"] == "20s"
        assert compose()[name]["command"] == ["python", "-m", f"services.{name}"]


def test_compose_runs_the_kafka_that_the_tests_run() -> None:
    version = compose()["kafka"]["image"].partition("@")[0].partition(":")[2]
    assert f"-{version}.jar" in (ROOT / "deploy/local/kafka.lock").read_text(encoding="utf-8")


def test_the_image_is_built_by_the_uv_that_made_the_lock() -> None:
    dockerfile = (ROOT / "deploy/Dockerfile").read_text(encoding="utf-8")
    assert "COPY pyproject.toml uv.lock deploy/uv.txt ./\n" in dockerfile
    assert "uv sync --frozen --no-default-groups\n" in dockerfile
    assert re.search(r"^USER 10001", dockerfile, re.MULTILINE)


def test_without_the_identity_providers_keys_nobody_on_the_staff_signs_in() -> None:
    assert json.loads((ROOT / "deploy/no-staff-jwks.json").read_text(encoding="utf-8")) == {"keys": []}
    assert "./deploy/no-staff-jwks.json:/etc/pir/staff-jwks.json:ro" in compose()["triage"]["volumes"]


def test_secrets_are_written_once_and_for_their_owner_only(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    assert deploy_secrets.main([str(file)]) is None
    first = file.read_text(encoding="utf-8")
    assert file.stat().st_mode & 0o777 == 0o600
    assert "it is left as it is" in str(deploy_secrets.main([str(file)]))
    assert file.read_text(encoding="utf-8") == first


def test_generated_keys_have_the_form_that_services_read() -> None:
    known = given()
    assert all(len(read_key(known[name])) == 32 for name in deploy_secrets.KEYS)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{40,}", known[name]) for name in deploy_secrets.TOKENS)
    assert known["PIR_MASTER_KEY"] != given()["PIR_MASTER_KEY"]


def test_git_does_not_take_the_secrets() -> None:
    assert ".env" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()


def test_prometheus_asks_every_service_where_it_listens() -> None:
    (job,) = written("deploy/prometheus/prometheus.yml")["scrape_configs"]
    asked = {group["labels"]["service"]: group["targets"] for group in job["static_configs"]}
    assert asked == {name: [f"{name}:{environment(name)['PIR_INTERNAL_PORT']}"] for name in OURS}


def test_prometheus_tells_the_alertmanager_that_compose_starts() -> None:
    [manager] = written("deploy/prometheus/prometheus.yml")["alerting"]["alertmanagers"]
    assert manager["static_configs"] == [{"targets": ["alertmanager:9093"]}]
    assert set(compose()["prometheus"]["networks"]) & set(compose()["alertmanager"]["networks"])
    assert "edge" in compose()["alertmanager"]["networks"], "webhooks are outside"


def test_alertmanager_gets_the_webhooks_and_starts_without_any() -> None:
    known = compose(given() | {"PIR_PAGE_WEBHOOK": "https://page.example.org"})["alertmanager"]
    assert known["environment"]["PIR_PAGE_WEBHOOK"] == "https://page.example.org"
    wanted = set(
        re.findall(r"\$\{(\w+)\}", (ROOT / "deploy/alertmanager/alertmanager.yml").read_text(encoding="utf-8"))
    )
    assert wanted == set(known["environment"])
    assert set(environment("alertmanager").values()) == {""}


@pytest.mark.parametrize(
    "command",
    [
        ("check-jsonschema", "--builtin-schema", "vendor.compose-spec", "docker-compose.yml"),
        ("hadolint", "deploy/Dockerfile"),
        ("zizmor", "--offline", "--persona", "pedantic", "--quiet", ".github"),
        ("check-jsonschema", "--builtin-schema", "vendor.dependabot", ".github/dependabot.yml"),
    ],
    ids=["compose", "dockerfile", "workflows", "dependabot"],
)
def test_the_linters_have_nothing_to_say(command: tuple[str, ...]) -> None:
    program = Path(sys.executable).parent / command[0]
    if not program.exists():
        pytest.skip("the lint group brings it")
    done = subprocess.run([program, *command[1:]], cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_deploy_step_reads_secrets_from_files_too(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("from a file\n", encoding="utf-8")
    given = {"DATABASE_URL_FILE": str(file), "PIR_DATABASE_PASSWORD_TRIAGE_FILE": str(file)}
    given |= {"PIR_DATABASE_PASSWORD_NOTIFY": "from a variable"}
    assert deploy_secrets.database_url(given) == "from a file"
    passwords = {"triage": "from a file", "notify": "from a variable"}
    assert deploy_secrets.passwords_from(given, "database") == passwords
    with pytest.raises(SecretFileError, match="DATABASE_URL and DATABASE_URL_FILE are both set"):
        deploy_secrets.database_url(given | {"DATABASE_URL": "postgresql://elsewhere"})
    with pytest.raises(SecretFileError, match="can't be read") as refused:
        deploy_secrets.database_url({"DATABASE_URL_FILE": str(tmp_path / "nothing")})
    assert "from a file" not in str(refused.value)
