"""The kit with each rule, physical alternative and kernel off, one after the other: a program for the long run.

Prints a line for each and ends with 1 where a scenario fails.
"""

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from test_kit import RUNNER, run_kit

from memoradb.memql.rewrite.switches import switches


def main() -> int:
    """Run it; the arguments name the switches, all where there are none."""
    if not RUNNER.exists():
        print(f"The kit is not there: {RUNNER}")
        return 0
    failures = 0
    with tempfile.TemporaryDirectory() as directory:
        for number, name in enumerate(switches()):
            if len(sys.argv) > 1 and name not in sys.argv[1:]:
                continue
            started = time.monotonic()
            report = run_kit(f"without_{number}", Path(directory) / f"{number}.json")
            failed = [f"{k}: {v['reason']} {v['why']}" for k, v in report["scenarios"].items() if v["status"] != "pass"]
            total = report["total"]["total"]
            print(f"without {name}: {total - len(failed)} of {total} in {time.monotonic() - started:.0f} s", flush=True)
            for line in failed[:20]:
                print(f"  {line}", flush=True)
            failures += len(failed)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
