"""The social graph of ../shared/bench beside its peers: same data, same questions, answers compared.

    make bench-social [PERSONS=100000] [ENGINES=ladybug,duckdb,sqlite,memoradb]

Peers live in an environment of their own (``.cache/peers``), made on first use. The driver alternates engines, one
worker process each, one thread, and fails where answers differ. Reference of each row: the best peer of the same run.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from report import ROUNDS, Row, publish

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared" / "bench"
CACHE = ROOT / ".cache"
PEERS = ("duckdb", "ladybug", "numpy", "pyarrow")


def peer_python() -> Path:
    """The interpreter of the peers' environment, which also has this checkout installed."""
    home = CACHE / "peers"
    python = home / ("Scripts" if os.name == "nt" else "bin") / "python"
    if not (home / "made").exists():
        subprocess.run([sys.executable, "-m", "venv", home], check=True)
        pip = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        subprocess.run([*pip, "-e", f"{ROOT}[arrow]", *PEERS], check=True)
        (home / "made").touch()
    return python


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--persons", type=int, default=100_000)
    parser.add_argument("--engines", default="ladybug,duckdb,sqlite,memoradb")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--budget", type=float, default=0.4, help="seconds per engine, question and round")
    options = parser.parse_args()
    if not SHARED.exists():
        sys.exit("The benchmark's data and peers live in ../shared/bench, which is not here.")
    python = peer_python()
    data, work, out = (CACHE / f"social-{options.persons}" / x for x in ("data", "work", "compare.json"))
    work.mkdir(parents=True, exist_ok=True)
    if not data.exists():
        subprocess.run([python, SHARED / "social.py", "--persons", str(options.persons), "--out", data], check=True)
    command = [python, SHARED / "compare.py", "--data", data, "--work", work, "--json", out, "--threads", "1"]
    command += ["--engines", options.engines, "--rounds", str(options.rounds), "--budget", str(options.budget)]
    subprocess.run(command, check=True)
    report(json.loads(out.read_text("utf-8")), options.persons)


def report(found: dict, persons: int) -> None:
    """One row an operation, warm and fresh plans; reference: the best peer."""
    engines = found["engines"]
    ours = engines["memoradb"]["ops"]
    rows = []
    for kind in ("warm", "fresh"):
        for name, operation in ours.items():
            seconds = operation["seconds"].get(kind)
            peers = {
                peer: engine["ops"][name]["seconds"].get(kind)
                for peer, engine in engines.items()
                if peer != "memoradb" and name in engine["ops"]
            }
            known = {peer: value for peer, value in peers.items() if value}
            if seconds and known:
                best = min(known, key=lambda peer: known[peer])
                rows.append(Row(f"{name}, {kind} plan", seconds * 1e3, known[best] * 1e3, best, "ms"))
    loads = {peer: engine["load"]["seconds"] for peer, engine in engines.items() if peer != "memoradb"}
    best = min(loads, key=lambda peer: loads[peer])
    rows.append(Row("bulk load", engines["memoradb"]["load"]["seconds"], loads[best], best, "s"))
    versions = {peer: engine.get("version") for peer, engine in engines.items()}
    publish(
        "social",
        f"Social graph, {persons:,} persons: wall time, one thread, text to Python rows; reference: the best peer",
        rows,
        {"persons": persons, "agree": found["agree"], "versions": versions},
    )
    if not found["agree"]:
        sys.exit(f"Answers differ: {found['disagree']}")


if __name__ == "__main__":
    main()
