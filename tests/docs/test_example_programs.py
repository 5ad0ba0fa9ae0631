"""The programs in ``examples/`` run, and print what they should."""

import runpy
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
EXPECTED = {
    "quickstart.py": ["Ada reaches Bo in 1 step", "Ada reaches Cy in 2 steps"],
    "hybrid_search.py": ["Parsing dates (python); see also Zones"],
    "agent_memory.py": ["Ada's flight to Lima leaves on Tuesday ['Ada', 'travel']"],
}


def test_every_program_is_run() -> None:
    assert {p.name for p in EXAMPLES.glob("*.py")} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_program_prints_what_it_should(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", [name])
    runpy.run_path(str(EXAMPLES / name), run_name="__main__")
    printed = capsys.readouterr().out.splitlines()
    for line, wanted in zip(printed, EXPECTED[name], strict=False):
        assert line.endswith(wanted)
