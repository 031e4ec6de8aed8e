"""What deployment promises: nothing open, nothing root, nothing writable, nothing unpinned, no password in a file."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from kasparro.settings import Settings
from kasparro.sources import options

ROOT = Path(__file__).parents[1]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
CONTAINERFILE = (ROOT / "Containerfile").read_text()
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
OWNERS = {"postgres_password": "999", "kasparro.sql": "999", "database_url": "10001"}

each_service = pytest.mark.parametrize("service", SERVICES.values(), ids=list(SERVICES))
each_workflow = pytest.mark.parametrize("workflow", WORKFLOWS, ids=[path.stem for path in WORKFLOWS])


@each_service
def test_service_is_hardened(service: dict[str, Any]) -> None:
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert "privileged" not in service


def test_only_the_maker_of_secrets_is_root_and_it_has_no_network() -> None:
    root = [name for name, service in SERVICES.items() if service["user"].startswith("0")]
    assert root == ["secrets"]
    assert SERVICES["secrets"]["network_mode"] == "none"
    assert SERVICES["secrets"]["cap_add"] == ["CHOWN"]
    assert not any("cap_add" in service for name, service in SERVICES.items() if name != "secrets")


@pytest.mark.parametrize("name", sorted(SERVICES.keys() - {"secrets"}))
def test_service_has_a_health_check(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"


def test_kasparro_waits_for_a_healthy_postgres_which_waits_for_its_password() -> None:
    assert SERVICES["kasparro"]["depends_on"]["postgres"]["condition"] == "service_healthy"
    assert SERVICES["postgres"]["depends_on"]["secrets"]["condition"] == "service_completed_successfully"


@each_service
def test_image_is_pinned_or_built_here(service: dict[str, Any]) -> None:
    assert "build" in service or re.fullmatch(r"[\w/]+:v?\d+\.\d+[\w.-]*", service["image"])


def test_ports_are_bound_to_loopback_and_postgres_has_none() -> None:
    ports = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert ports == {
        "kasparro": ["${PUBLISH_HOST:-127.0.0.1}:${PUBLISH_PORT:-8000}:8000"],
        "prometheus": ["127.0.0.1:${PROMETHEUS_PORT:-9090}:9090"],
        "grafana": ["127.0.0.1:${GRAFANA_PORT:-3000}:3000"],
    }
    assert SERVICES["postgres"]["networks"] == ["database"]
    assert COMPOSE["networks"]["database"]["internal"]


@each_service
def test_what_is_published_is_named_unlike_what_a_container_is_told(service: dict[str, Any]) -> None:
    """podman-compose puts a service's own environment into its `${...}`: API_HOST there would open the port."""
    used = set(re.findall(r"\$\{(\w+)", f"{service.get('ports')} {service.get('volumes')}"))
    assert used.isdisjoint(service.get("environment", {}))


@each_service
def test_no_password_is_written_down(service: dict[str, Any]) -> None:
    for name, value in service.get("environment", {}).items():
        assert name.endswith("_FILE") or not re.search("PASSWORD|SECRET|KEY|TOKEN|DATABASE_URL", name)
        assert not re.search(r"://[^/\s]*:[^$/\s]+@", value)


def test_env_file_is_passed_on_but_not_needed() -> None:
    assert SERVICES["kasparro"]["env_file"] == [{"path": ".env", "required": False}]


def test_compose_tells_the_service_settings_that_it_has(tmp_path: Path) -> None:
    told: dict[str, str] = SERVICES["kasparro"]["environment"]
    secret = tmp_path / "database_url"
    secret.write_text("postgresql://kasparro:secret@postgres:5432/kasparro\n")
    settings = Settings.load(options(), told | {"DATABASE_URL_FILE": str(secret), "CSV_PATH": ""}, tmp_path / ".env")
    assert settings.database_url is not None
    assert settings.database_url.get_secret_value() == secret.read_text().strip()
    assert (settings.api_host, settings.api_port) == ("0.0.0.0", 8000)  # noqa: S104 - inside the container
    assert f"{settings.kasparro_home}:mode=1777" in SERVICES["kasparro"]["tmpfs"]


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """The folder `secrets` works in; it can be run again with `make_secrets`."""
    (tmp_path / "bin").mkdir()
    chown = tmp_path / "bin" / "chown"
    chown.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/owners\n')  # only root can give files away
    chown.chmod(0o755)
    folder = tmp_path / "secrets"
    folder.mkdir()
    make_secrets(folder)
    return folder


def make_secrets(folder: Path) -> None:
    """Run the script of the compose file as Compose does: `$$` stands for `$`."""
    service = SERVICES["secrets"]
    command = [part.replace("$$", "$") for part in service["entrypoint"] + service["command"]]
    path = f"{folder.parent / 'bin'}:{os.environ['PATH']}"
    done = subprocess.run(  # noqa: S603 - our own script
        command, cwd=folder, env={"PATH": path}, check=True, capture_output=True, text=True, timeout=30
    )
    assert done.stdout == done.stderr == ""


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_secrets_are_random_and_private(made: Path) -> None:
    found = contents(made)
    assert found.keys() == {"postgres", "kasparro", *OWNERS}
    assert all(re.fullmatch("[0-9a-f]{64}", found[role]) for role in ("postgres", "kasparro"))
    assert found["postgres"] != found["kasparro"]
    assert {path.stat().st_mode & 0o777 for path in made.iterdir()} == {0o600}


def test_each_secret_is_given_to_the_user_that_reads_it(made: Path) -> None:
    lines = (made.parent / "owners").read_text().splitlines()
    assert {name.removesuffix(".new"): owner for owner, name in map(str.split, lines)} == OWNERS
    assert SERVICES["postgres"]["user"] == "999:999"
    assert SERVICES["kasparro"]["user"] == "10001:10001"


def test_the_role_is_made_with_the_password_that_the_service_uses(made: Path) -> None:
    found = contents(made)
    assert found["kasparro.sql"].splitlines() == [
        f"CREATE ROLE kasparro LOGIN PASSWORD '{found['kasparro']}';",
        "CREATE DATABASE kasparro OWNER kasparro;",
    ]
    assert found["database_url"].strip() == f"postgresql://kasparro:{found['kasparro']}@postgres:5432/kasparro"
    assert found["postgres_password"] == found["postgres"]


def test_secrets_are_kept_when_made_again(made: Path) -> None:
    before = contents(made)
    make_secrets(made)
    assert contents(made) == before


def test_secrets_half_made_by_a_first_start_that_was_killed_are_made_whole(made: Path) -> None:
    before = contents(made)
    (made / "kasparro").write_text("")
    (made / "postgres.new").write_text("half")
    (made / "database_url").unlink()
    make_secrets(made)
    after = contents(made)
    assert re.fullmatch("[0-9a-f]{64}", after["kasparro"])
    assert after["kasparro"] in after["database_url"]
    assert after["postgres"] == before["postgres"]


@pytest.mark.parametrize("name", ["prometheus", "grafana"])
def test_monitoring_is_told_what_to_do_by_files_that_are_shipped(name: str) -> None:
    service = SERVICES[name]
    assert service["profiles"] == ["monitoring"]
    assert "./src/kasparro/monitoring:/etc/kasparro:ro" in service["volumes"]
    told = f"{service.get('command')} {service.get('environment')}"
    named = re.findall(r"/etc/kasparro/([\w./]+)", told)
    assert named
    assert all((ROOT / "src/kasparro/monitoring" / path).exists() for path in named)


def test_prometheus_scrapes_the_service_and_grafana_asks_prometheus() -> None:
    folder = ROOT / "src/kasparro/monitoring"
    (job,) = yaml.safe_load((folder / "prometheus.yml").read_text())["scrape_configs"]
    assert job["static_configs"] == [{"targets": ["kasparro:8000"]}]
    (source,) = yaml.safe_load((folder / "grafana/datasources/prometheus.yml").read_text())["datasources"]
    assert source["url"] == "http://prometheus:9090"
    (provider,) = yaml.safe_load((folder / "grafana/dashboards/provider.yml").read_text())["providers"]
    assert provider["options"]["path"] == "/etc/kasparro/grafana/dashboards"


def test_grafana_has_no_account_and_shows_only() -> None:
    environment = SERVICES["grafana"]["environment"]
    assert environment["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"
    assert environment["GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION"] == "true"


def test_image_runs_as_a_user_of_compose_and_checks_its_health() -> None:
    final = CONTAINERFILE.rpartition("\nFROM ")[2]
    assert f"\nUSER {SERVICES['kasparro']['user']}\n" in final
    assert re.search(r'^HEALTHCHECK .* CMD \["kasparro", "healthcheck"\]$', final, re.MULTILINE)
    assert final.rstrip().endswith('ENTRYPOINT ["kasparro"]\nCMD ["serve"]')
    assert not re.search(r"apt-get|pip install", final)


def test_base_image_is_pinned() -> None:
    bases = re.findall(r"^FROM (\S+)", CONTAINERFILE, re.MULTILINE)
    stages = re.findall(r"^FROM \S+ AS (\S+)", CONTAINERFILE, re.MULTILINE)
    assert all(base in stages or re.fullmatch(r"python:\d+\.\d+\.\d+-\S+", base) for base in bases)


def test_only_what_the_wheel_is_made_of_is_sent_to_the_build() -> None:
    lines = (ROOT / ".dockerignore").read_text().split()
    assert "*" in lines
    assert not any(line.startswith("!.") for line in lines)


@each_workflow
def test_actions_are_pinned_by_commit(workflow: Path) -> None:
    used = re.findall(r"\buses: (\S+)(.*)", workflow.read_text())
    assert used
    for action, comment in used:
        assert action.startswith("./") or re.search(r"@[0-9a-f]{40}$", action)
        assert action.startswith("./") or re.fullmatch(r" # v\d+\.\d+\.\d+", comment)


@each_workflow
def test_workflow_starts_with_no_permissions_and_ends_in_time(workflow: Path) -> None:
    described = yaml.safe_load(workflow.read_text())
    assert described["permissions"] == {}
    for job in described["jobs"].values():
        assert "permissions" in job
        assert "timeout-minutes" in job or "uses" in job
