"""The command line: every command says what it does, and a mistake is one sentence and status 1."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from pathlib import Path

import pytest
import typer
import yaml
from typer.testing import Result

from pipelines.cli.main import app
from tests.pipelines.command import SAMPLES, invoke

NOWHERE = "postgresql://somebody:hunter2@127.0.0.1:1/nothing"
COMMANDS = sorted(str(command.name) for command in app.registered_commands)


def nexus(home: Path, *arguments: str, **variables: str) -> Result:
    """The command with an installation of its own whose warehouse does not answer."""
    return invoke(home, *arguments, **{"DATABASE_URL": NOWHERE, **variables})


def sentence(result: Result) -> str:
    """What a mistake says: something on standard error alone, and nothing like a traceback."""
    assert result.exit_code == 1, result.output
    assert isinstance(result.exception, SystemExit)
    assert result.stderr.startswith("nexus: ")
    assert "Traceback" not in result.output
    assert "hunter2" not in result.output
    return result.stderr.removeprefix("nexus: ").strip()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An installation with one tenant."""
    (tmp_path / "tenants").mkdir()
    (tmp_path / "tenants" / "alder.yaml").write_text(yaml.safe_dump({"tenant": "alder", "name": "Alder"}))
    return tmp_path


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_and_every_option_says_what_it_is_for(command: str, tmp_path: Path) -> None:
    result = nexus(tmp_path, command, "--help")
    assert result.exit_code == 0
    click_command = typer.main.get_command(app).commands[command]  # type: ignore[attr-defined]
    assert (click_command.help or "").rstrip().endswith(".")
    without = [p.name for p in click_command.params if not getattr(p, "help", None) and p.name != "help"]
    assert without == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["prepare", "status", "accounts", "quarantine", "publish"])
def test_a_warehouse_that_does_not_answer_is_a_sentence_without_the_password(home: Path, command: str) -> None:
    assert sentence(nexus(home, command)).startswith("PostgreSQL cannot be reached at 127.0.0.1 port 1")


def test_an_address_that_is_none_is_a_sentence_without_the_address(home: Path) -> None:
    said = sentence(nexus(home, "status", DATABASE_URL="postgres:hunter2"))
    assert said == "the connection string is not one that PostgreSQL understands"


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"NEXUS_API_PORT": "70000"}, "NEXUS_API_PORT: input should be less than or equal to 65535"),
        ({"NEXUS_UI_PORT": "hunter2"}, "NEXUS_UI_PORT: input should be a valid integer"),
        ({"NEXUS_DEPLOYMENT": "prod"}, "NEXUS_DEPLOYMENT: input should be 'local' or 'production'"),
        ({"NEXUS_DEPLOYMENT": "production", "DATABASE_URL": ""}, "NEXUS_DEPLOYMENT=production needs DATABASE_URL"),
    ],
)
def test_a_wrong_variable_is_named(home: Path, variables: Mapping[str, str], said: str) -> None:
    assert sentence(nexus(home, "status", **variables)).startswith(said)


DAY = "2022-01-03"
ALDER = ["--tenant", "alder"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "--tenant", "nix", "--from", DAY], "no tenant 'nix'"),
        (["accounts", "--tenant", "nix"], "no tenant 'nix'"),
        (["api-key", "--tenant", "nix"], "no tenant 'nix'"),
        (["trace", "--tenant", "nix", "--account", "1", "--date", DAY], "no tenant 'nix'"),
        (["run", *ALDER, "--from", "yesterday"], "'yesterday' is not a date"),
        (["run", *ALDER, "--from", DAY, "--to", "2022-01-02"], "--to is before --from"),
        (["run", *ALDER, "--from", "2022-01-01"], "2022-01-01 cannot be run"),
        (["run", *ALDER, "--from", "1999-01-04"], "1999-01-04 cannot be run"),
        (["run", *ALDER, "--from", DAY, "--to", "2999-01-04"], "2999-01-04 cannot be run"),
        (["trace", *ALDER, "--account", "1", "--date", "2022-02-30"], "'2022-02-30' is not a date"),
        (["trace", *ALDER, "--account", "1", "--date", DAY], "tenant 'alder' has no account 1"),
        (["demo", "--first-day", DAY, "--last-day", DAY], "--last-day must be"),
        (["demo", "--last-day", "2022-12-25"], "2022-12-25 cannot be run"),
        (["ingest", "/nonexistent/statement.ofx"], "/nonexistent/statement.ofx: no such file"),
        (["ingest", str(SAMPLES / "NOTICE")], "NOTICE: no connector reads files of such a name"),
        (["ingest", str(SAMPLES / "checking.ofx"), "--adapter", "nix"], "no connector 'nix'; there are: fidelity"),
        (["ingest", str(SAMPLES / "checking.ofx"), "--adapter", "schwab"], "checking.ofx: connector 'schwab' does not"),
        (["ingest", str(SAMPLES / "checking.ofx"), "--tenant", "Me!"], "Me!.yaml: not usable: tenant"),
        (["ingest", str(SAMPLES / "checking.ofx"), "--base-currency", "dollars", "--tenant", "new"], "new.yaml: not"),
    ],
)
def test_a_mistake_is_a_sentence(home: Path, arguments: list[str], said: str) -> None:
    assert sentence(nexus(home, *arguments)).startswith(said)


def test_settings_that_make_no_sense_are_named_with_file_and_field(home: Path) -> None:
    (home / "tenants" / "birch.yaml").write_text("tenant: birch\nname: Birch\ncurrency: EUR\n")
    said = sentence(nexus(home, "accounts", "--tenant", "alder"))
    assert "birch.yaml: currency:" in said


def test_a_demo_that_cannot_be_simulated_leaves_what_is_there(home: Path) -> None:
    """No closing price of the real history reaches into 2023."""
    (home / "demo").mkdir()
    (home / "demo" / "kept").touch()
    said = sentence(nexus(home, "demo", "--first-day", "2023-12-01", "--last-day", "2024-01-05", "--accounts", "4"))
    assert said.startswith("these days cannot be simulated")
    assert (home / "demo" / "kept").exists()


def test_a_demo_does_not_touch_an_installation_that_is_none(home: Path) -> None:
    said = sentence(nexus(home, "demo", "--first-day", "2022-12-20", "--last-day", "2022-12-22", "--accounts", "4"))
    assert "holds an installation that is not a demo's" in said
    assert (home / "tenants" / "alder.yaml").exists()


def test_a_port_in_use_is_a_sentence(home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert sentence(nexus(home, "up", NEXUS_UI_PORT=port)) == f"port {port} is in use; set NEXUS_UI_PORT to another"
        assert sentence(nexus(home, "up", NEXUS_API_PORT=port)).endswith("set NEXUS_API_PORT to another")
    assert "are both" in sentence(nexus(home, "up", NEXUS_UI_PORT=port, NEXUS_API_PORT=port))


def test_stopping_what_does_not_run_says_so(tmp_path: Path) -> None:
    result = nexus(tmp_path, "down")
    assert result.exit_code == 0
    assert "was running" in result.stdout
