"""MemoraDB as the openCypher kit's runner sees it, under options that no result may depend on.

The runner imports this module in its worker processes, beside its own ``adapter``; see ``test_kit.py``.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from memoradb.memql.rewrite.switches import KERNEL, switches
from memoradb.memql.session import Options

CONFIGURATIONS: dict[str, Options] = {
    "plain": Options(),
    "batch_1": Options(batch_rows=1),
    "batch_2": Options(batch_rows=2),
    "batch_3": Options(batch_rows=3),
    "rules_off": Options(disabled_rules=[name for name in switches() if not name.startswith(KERNEL)]),
    "kernels_off": Options(kernels="never"),
    "kernels_always": Options(kernels="always"),
} | {f"without_{number}": Options(disabled_rules=[name]) for number, name in enumerate(switches())}
"""By name; ``without_7`` leaves out the seventh of ``switches()``."""


def configured(options: Options) -> Any:
    """The runner's own adapter, but for the options of every statement."""
    kit = import_module("adapter")  # the runner's: it is on the path in its worker processes alone

    class ConfiguredAdapter(kit.MemoraDBAdapter):
        def execute(self, query: str, params: dict[str, Any]) -> Any:
            result = self.db.execute(query, params, options=options)
            return kit.Result(list(result.columns), [[self.plain(v) for v in row] for row in result.rows])

    return ConfiguredAdapter()


def scrambled() -> Any:
    """Plans made with statistics that are all wrong."""
    import sys
    from pathlib import Path

    sys.path.insert(0, str(Path(__file__).parents[1] / "memql" / "optimize"))
    import_module("scrambled").scramble("kit")
    return configured(Options())


def __getattr__(name: str) -> Any:
    """``engines:batch_1`` and its like: the runner's factories, by configuration."""
    if name not in CONFIGURATIONS:
        raise AttributeError(name)
    return lambda: configured(CONFIGURATIONS[name])
