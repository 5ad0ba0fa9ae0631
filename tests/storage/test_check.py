"""``check``: a sound database is found sound, and what is wrong is named."""

import sys
from pathlib import Path

import numpy as np
import pytest
from pyroaring import BitMap

from memoradb.core.calendar import DAY_MAX, DAY_MIN, DAY_NS
from memoradb.core.columns import ListColumn, lift
from memoradb.core.errors import ForeignDirectory
from memoradb.core.temporal import Date, LocalDateTime, LocalTime, Time, at_instant
from memoradb.core.values import Value
from memoradb.storage.check import check
from memoradb.storage.vfs_memory import MemoryVfs
from memoradb.storage.view import Element

sys.path.insert(0, str(Path(__file__).parent))

from workload import PATH, commit, open_engine, run_until_failure, states


def test_a_sound_database_is_described() -> None:
    vfs = MemoryVfs()
    run_until_failure(vfs)
    before = vfs.files()
    report = check(PATH, vfs)
    assert report.ok and report.records == 10 and report.checkpoints == 2 and report.files > 10
    assert report.state_hash == states()[-1].hex()
    assert vfs.files() == before  # it changes nothing
    assert report.to_dict()["ok"] is True and "no problem found" in report.text()


def test_dates_and_times_of_every_kind_are_the_same_from_the_log_and_from_a_checkpoint() -> None:
    vfs = MemoryVfs()
    engine = open_engine(vfs)
    kinds: dict[str, list[Value]] = {
        "date": [Date(DAY_MAX), None, Date(DAY_MIN)],
        "local_time": [LocalTime(1), LocalTime(DAY_NS - 1), None],
        "time": [Time(0, 3600), Time(0, -3600), Time(7, 1)],
        "local": [LocalDateTime(DAY_MIN, 1), None, LocalDateTime(DAY_MAX, DAY_NS - 1)],
        "zoned": [at_instant(0, "Europe/Berlin"), at_instant(0, 3600), at_instant(10**25, "Europe/Stockholm")],
    }
    properties = {key: lift(values) for key, values in kinds.items()}
    commit(engine, lambda view: view.create_nodes(3, ["A"], properties))
    one = np.array([2], np.int64)
    moved = at_instant(1, "Asia/Tokyo")
    commit(engine, lambda view: view.set_property(Element.NODE, one, "zoned", ListColumn([moved])))
    kinds["zoned"][2] = moved
    engine.checkpoint()
    engine.close()
    report = check(PATH, vfs)
    assert report.ok and report.checkpoints
    engine = open_engine(vfs)
    for key, values in kinds.items():
        column = engine.store.columns[Element.NODE][key]
        assert column.form.name.lower().startswith(key.split("_")[0] if key != "zoned" else "datetime")
        assert column.gather(np.arange(3), engine.store.position).values() == values
    engine.close()


def test_a_checkpoint_that_says_something_else_than_the_log_is_reported() -> None:
    vfs = MemoryVfs()
    engine = open_engine(vfs)
    commit(engine, lambda view: view.create_nodes(2, ["A"], {}))
    engine.store.nodes.dead = engine.store.nodes.dead | BitMap([1])  # a bug of the future, say
    engine.close()
    report = check(PATH, vfs)
    assert not report.ok and "another graph than the log" in report.problems[0].message


def test_what_is_no_database_is_refused() -> None:
    vfs = MemoryVfs()
    with pytest.raises(ForeignDirectory):
        check("/nowhere", vfs)
    assert vfs.files() == {}
