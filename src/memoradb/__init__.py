"""MemoraDB: a graph, vector and text database that is the long-term memory of a language model.

``memoradb.open(path)`` opens an embedded database, ``memoradb.connect(url)`` a served one. Both names are
loaded when first used, so that ``import memoradb`` costs next to nothing.
"""

from typing import TYPE_CHECKING, Any

from memoradb.core.version import __version__

if TYPE_CHECKING:
    from memoradb.core.errors import MemoraDBError as MemoraDBError
    from memoradb.database import Database as Database
    from memoradb.database import open as open
    from memoradb.result import Record as Record
    from memoradb.result import Result as Result
    from memoradb.server.client import connect as connect

_HOMES = {
    "Database": "memoradb.database",
    "MemoraDBError": "memoradb.core.errors",
    "Record": "memoradb.result",
    "Result": "memoradb.result",
    "connect": "memoradb.server.client",
    "open": "memoradb.database",
}

__all__ = ["Database", "MemoraDBError", "Record", "Result", "__version__", "connect", "open"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        from importlib import import_module

        value = getattr(import_module(_HOMES[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'memoradb' has no attribute {name!r}")
