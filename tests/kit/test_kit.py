"""The openCypher kit, all of it and strictly, under each option that may change no result.

The kit and its runner lie beside the checkout; the runner is asked as a program, so that a scenario that hangs or dies
costs one scenario.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
RUNNER = ROOT.parent / "shared" / "tck" / "run_tck.py"
JOBS = 1 if "PYTEST_XDIST_WORKER" in os.environ else os.cpu_count() or 1

pytestmark = pytest.mark.skipif(not RUNNER.exists(), reason=f"the kit is not there: {RUNNER}")


def run_kit(configuration: str, out: Path) -> dict:
    """The runner's report."""
    command = [sys.executable, str(RUNNER), "--adapter", f"engines:{configuration}", "--jobs", str(JOBS)]
    path = os.pathsep.join([str(ROOT / "src"), str(HERE), str(RUNNER.parent)])
    ended = subprocess.run(
        [*command, "--timeout", "30", "--show", "0", "--json", str(out)],
        cwd=HERE,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert out.exists(), ended.stdout + ended.stderr
    return json.loads(out.read_text("utf-8"))


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "configuration",
    ["plain", "batch_1", "batch_2", "batch_3", "rules_off", "kernels_off", "kernels_always", "scrambled"],
)
def test_every_scenario_passes_strictly(configuration, tmp_path):
    report = run_kit(configuration, tmp_path / "report.json")
    failed = [f"{k}: {v['reason']} {v['why']}" for k, v in report["scenarios"].items() if v["status"] != "pass"]
    assert not failed, "\n".join(failed[:20])
    assert report["total"]["total"] > 3_000
