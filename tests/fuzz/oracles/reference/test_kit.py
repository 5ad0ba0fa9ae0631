"""The reference interpreter passes the openCypher kit, all of it and strictly."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[3]
RUNNER = ROOT.parent / "shared" / "tck" / "run_tck.py"

pytestmark = pytest.mark.skipif(not RUNNER.exists(), reason=f"the kit is not there: {RUNNER}")


@pytest.mark.timeout(180)
def test_every_scenario_passes_strictly(tmp_path):
    out = tmp_path / "report.json"
    path = os.pathsep.join([str(ROOT / "src"), str(HERE.parent), str(RUNNER.parent)])
    jobs = "1" if "PYTEST_XDIST_WORKER" in os.environ else "2"
    command = [sys.executable, str(RUNNER), "--adapter", "kit_adapter:reference", "--jobs", jobs, "--timeout", "30"]
    ended = subprocess.run(
        [*command, "--show", "0", "--json", str(out)],
        cwd=HERE,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    assert out.exists(), ended.stdout + ended.stderr
    report = json.loads(out.read_text("utf-8"))
    failed = [f"{k}: {v['reason']} {v['why']}" for k, v in report["scenarios"].items() if v["status"] != "pass"]
    assert not failed, "\n".join(failed[:20])
    assert report["total"]["total"] > 3_000
