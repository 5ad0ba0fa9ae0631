"""The shell over a script: statements, commands, errors that do not end it."""

from pathlib import Path

from command import memoradb


def shell(data: Path, script: str, status: int = 0) -> tuple[str, str]:
    found = memoradb("shell", "--data", data, stdin=script)
    assert found.exit_code == status, found.output
    return found.stdout, found.stderr


def test_statements_may_take_several_lines_and_several_stand_on_one(tmp_path: Path) -> None:
    out, _ = shell(tmp_path / "d", "CREATE (:A {x: 1});\nMATCH (n:A)\n  RETURN n.x\n  AS found; RETURN 'b;c' AS text;")
    assert "1 nodes created" in out
    assert "found" in out
    assert "b;c" in out


def test_the_last_statement_of_a_script_needs_no_semicolon(tmp_path: Path) -> None:
    out, _ = shell(tmp_path / "d", "RETURN 'last' AS x")
    assert "last" in out


def test_an_error_does_not_end_a_script_but_shows_in_its_status(tmp_path: Path) -> None:
    out, errors = shell(tmp_path / "d", "RETURN nothing;\nRETURN 'after' AS x;", status=1)
    assert "Undefined variable `nothing`" in errors
    assert "^^^^^^^" in errors
    assert "after" in out


def test_parameters_are_set_shown_and_forgotten(tmp_path: Path) -> None:
    script = ":param n 41\n:param who Ada Lovelace\n:params\nRETURN $n + 1 AS n, $who AS who;\n:clear\nRETURN $n;"
    out, errors = shell(tmp_path / "d", script, status=1)
    assert "$n = 41" in out
    assert "$who = 'Ada Lovelace'" in out
    assert "42" in out
    assert "Expected parameter: n" in errors


def test_help_lists_the_commands(tmp_path: Path) -> None:
    out, _ = shell(tmp_path / "d", ":help\n:quit\nRETURN 'never' AS x;")
    for word in (":param", ":begin", ":commit", ":rollback", ":quit"):
        assert word in out
    assert "never" not in out


def test_an_unknown_command_is_said(tmp_path: Path) -> None:
    _, errors = shell(tmp_path / "d", ":nonsense\n:param\n:commit", status=1)
    assert "`:nonsense` is no command" in errors
    assert "No transaction is open" in errors


def test_a_transaction_is_committed_or_rolled_back(tmp_path: Path) -> None:
    script = """
        :begin
        CREATE (:T {n: 1});
        :commit
        :begin
        CREATE (:T {n: 2});
        :rollback
        MATCH (t:T) RETURN collect(t.n) AS kept;
        :begin
        :begin
        CREATE (:T {n: 3});
    """
    out, errors = shell(tmp_path / "d", script, status=1)
    assert "[1]" in out
    assert "A transaction is open already" in errors
    assert "The open transaction was rolled back." in errors
    assert "[1]" in shell(tmp_path / "d", "MATCH (t:T) RETURN collect(t.n) AS kept;")[0]


def test_plans_are_printed(tmp_path: Path) -> None:
    out, _ = shell(tmp_path / "d", "EXPLAIN MATCH (n) RETURN n;")
    assert "Physical plan" in out
