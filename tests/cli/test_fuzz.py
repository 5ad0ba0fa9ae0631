import pytest
from click.testing import CliRunner

from memoradb.cli.main import commands

SCRIPT = "// --- graph\nCREATE (n {x: 1});\n// --- query\nMATCH (n) RETURN n.x;\n"


def run(*arguments):
    return CliRunner().invoke(commands, ["fuzz", *map(str, arguments)])


def test_a_stress_campaign_prints_what_occurred():
    result = run("stress", "--iterations", 30, "--seed", 5, "--min-size", 2, "--max-size", 4)
    assert result.exit_code == 0, result.output
    assert "30 queries" in result.output
    assert "functions (" in result.output
    assert "Nothing found." in result.output


def test_a_quick_campaign_runs_chosen_oracles():
    result = run("quick", "--iterations", 5, "--mode", "reference", "--mode", "print", "--timeout", 60)
    assert result.exit_code == 0, result.output


def test_scripts_of_a_directory_are_replayed(tmp_path):
    (tmp_path / "one.mql").write_text(SCRIPT, "utf-8")
    result = run("regression", "--save-dir", tmp_path)
    assert result.exit_code == 0, result.output
    assert "1 queries" in result.output


def test_a_script_is_replayed_by_its_file(tmp_path):
    path = tmp_path / "one.mql"
    path.write_text(SCRIPT, "utf-8")
    result = run("replay", path)
    assert result.exit_code == 0, result.output
    assert "MATCH (n) RETURN n.x" in result.output


@pytest.mark.parametrize(
    "arguments", [("stress", "--iterations", 0), ("stress", "--min-size", 9, "--max-size", 1), ("replay", "nowhere")]
)
def test_what_makes_no_sense_is_refused(arguments):
    assert run(*arguments).exit_code != 0


def test_an_unknown_mode_is_refused_with_the_known_ones():
    result = run("stress", "--mode", "magic")
    assert result.exit_code != 0
    assert "reference" in str(result.exception)
