"""The statements that a server's start offers."""

import shlex
import sys
from pathlib import Path

import pytest

from memoradb.cli.examples import OF_ANY_GRAPH, command, example_lines
from memoradb.cli.serve import read_token
from memoradb.core.errors import ConfigurationError
from memoradb.server.config import ServerConfig


def test_there_is_one_for_curl_the_command_line_and_python() -> None:
    curl, shell, python = example_lines(ServerConfig(), sample=False)
    assert curl.startswith("curl -s http://127.0.0.1:8080/query -d '")
    assert shlex.split(shell)[-4:] == ["query", "--url", "memoradb://127.0.0.1:7688", OF_ANY_GRAPH[1]]
    assert shlex.split(python)[1] == "-c"
    compile(shlex.split(python)[2], "example", "exec")


def test_they_use_the_ports_that_are_open() -> None:
    assert example_lines(ServerConfig(http_port=0, wire_port=0), sample=True) == []
    lines = example_lines(ServerConfig(wire_port=0, http_port=81), sample=True)
    assert all("http://127.0.0.1:81" in line for line in lines)
    assert len(example_lines(ServerConfig(http_port=0), sample=True)) == 2


def test_they_carry_the_token_without_showing_it() -> None:
    lines = example_lines(ServerConfig(token="secret"), sample=False)
    assert not any("secret" in line for line in lines)
    assert "$MEMORADB_TOKEN" in lines[0]
    assert "MEMORADB_TOKEN" in lines[2]


def test_a_program_is_called_as_this_shell_finds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bin" / "thing"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.chdir(tmp_path)
    assert command("thing", str(program)) == "bin/thing"
    monkeypatch.chdir("/")
    assert command("thing", str(program)) == str(program).lstrip("/")
    monkeypatch.setenv("PATH", str(program.parent))
    assert command("thing", str(program)) == "thing"
    assert command("python", sys.executable)


def test_a_token_comes_from_a_file_or_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MEMORADB_TOKEN", raising=False)
    assert read_token(None) is None
    monkeypatch.setenv("MEMORADB_TOKEN", "env")
    assert read_token(None) == "env"
    file = tmp_path / "token"
    file.write_text(" file \n")
    assert read_token(str(file)) == "file"
    file.write_text(" \n")
    with pytest.raises(ConfigurationError, match="is empty"):
        read_token(str(file))
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_token(str(tmp_path / "none"))
