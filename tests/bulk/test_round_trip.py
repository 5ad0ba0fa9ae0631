"""Export, then import: the same graph by content, in every form, for every kind of value."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from graph_content import content
from hypothesis import example, given, settings
from hypothesis import strategies as st

import memoradb
from memoradb.core.calendar import DAY_MAX, DAY_MIN, DAY_NS
from memoradb.core.columns import ListColumn
from memoradb.core.errors import ArgumentError
from memoradb.core.spatial import Point
from memoradb.core.temporal import Date, DateTime, Duration, LocalDateTime, LocalTime, Time, at_instant
from memoradb.core.vectors import Vector

FORMS = {
    "csv": ("export_csv", "import_csv"),
    "parquet": ("export_parquet", "import_tables"),
    "arrow": ("export_arrow", "import_tables"),
    "jsonl": ("export_jsonl", "import_jsonl"),
    "graphml": ("export_graphml", "import_graphml"),
}
EXAMPLES = 25

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=12) | st.sampled_from(
    [
        "",
        " ",
        '"',
        '""',
        "a;b",
        "a,b",
        "\n",
        "\r\n",
        "\r",
        "\t",
        "[1]",
        "{x: 1}",
        "NaN",
        "null",
        "1",
        "true",
        ":A",
        "<&>",
    ]
)
xml_texts = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff", include_characters="\n\r\t"),
    max_size=12,
) | st.sampled_from(["", "a;b", "\r\n", "]]>", "<&>", ":A", "[1]"])
integers = st.integers(-(2**63), 2**63 - 1)
days = st.integers(DAY_MIN, DAY_MAX) | st.integers(-30_000, 30_000)
day_ns = st.integers(0, DAY_NS - 1)
offsets = st.integers(-18 * 3600, 18 * 3600)
zones = st.sampled_from(["Europe/Stockholm", "America/New_York", "Australia/Lord_Howe"])
moments = st.integers(-(10**19), 4 * 10**18)
finite = st.floats(allow_nan=False, allow_infinity=False)
SCALARS: list[st.SearchStrategy[Any]] = [
    st.booleans(),
    integers,
    st.floats(),
    st.binary(max_size=6),
    days.map(Date),
    day_ns.map(LocalTime),
    st.builds(Time, day_ns, offsets),
    st.builds(LocalDateTime, days, day_ns),
    st.builds(DateTime, days, day_ns, offsets),
    st.builds(at_instant, moments, zones),
    st.builds(Duration.of, integers.map(lambda n: n // 10**6), integers.map(lambda n: n // 10**6), integers),
    st.builds(Point, st.just(7203), st.tuples(finite, finite)),
    st.builds(Point, st.just(4979), st.tuples(st.floats(-180, 180), st.floats(-90, 90), finite)),
    st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=3).map(lambda v: Vector(tuple(v))),
]


def values(text: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    scalars = [text, *SCALARS]
    lists = [st.lists(one, max_size=3) for one in scalars]
    return st.one_of(*scalars, *lists, st.lists(integers | st.floats(), max_size=3))


def graphs(text: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    name = st.sampled_from(["a", "b", "a:int", "x y", "é", "labels", "label", "id", "type"]) | text.filter(bool)
    properties = st.dictionaries(name, values(text), max_size=4)
    labels = st.lists(st.sampled_from(["A", "B c", "Ü", "labels"]), max_size=2, unique=True)
    types = st.sampled_from(["R", "S T", "label"])
    return st.tuples(
        st.lists(st.tuples(labels, properties), min_size=1, max_size=6),
        st.lists(st.tuples(st.integers(0, 5), types, st.integers(0, 5), properties), max_size=5),
    )


def build(database: memoradb.Database, graph: Any) -> None:
    nodes, relationships = graph
    # The number tells nodes apart that are otherwise alike.
    ids = [
        database.import_nodes(labels, {"number of the node": [i], **{k: [v] for k, v in properties.items()}})[0]
        for i, (labels, properties) in enumerate(nodes)
    ]
    for start, type, end, properties in relationships:
        ends = ([ids[start % len(ids)]], [ids[end % len(ids)]])
        database.import_relationships(type, *ends, {k: [v] for k, v in properties.items()})


def check_round_trip(form: str, graph: Any) -> None:
    write, read = FORMS[form]
    with tempfile.TemporaryDirectory() as place, memoradb.open(None) as one, memoradb.open(None) as other:
        build(one, graph)
        target = str(Path(place) / "graph")
        written = getattr(one, write)(target)
        loaded = getattr(other, read)(target)
        assert (loaded.nodes, loaded.relationships) == (written.nodes, written.relationships)
        assert content(other) == content(one)


KNOWN = (
    [
        (["A"], {"a": "", "b": 1, "x y": [1, 2.5]}),
        (["A"], {"a": 5, "b": "1", "x y": [[b""][0]]}),
        (["A"], {"a": DateTime(0, 0, 7200, "Africa/Cairo"), "b": Date(10**11), "x y": ["a;b", ""]}),
        ([], {"a": [], "b": float("nan"), "x y": [""]}),
    ],
    [(0, "R", 1, {"a": b""}), (1, "S T", 1, {"a": [Date(1)]})],
)


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet", "arrow"])
def test_what_was_exported_is_imported_as_the_same_graph(form: str) -> None:
    if form in ("parquet", "arrow"):
        pytest.importorskip("pyarrow")

    @settings(max_examples=EXAMPLES)
    @given(graphs(texts))
    @example(KNOWN)
    def check(graph: Any) -> None:
        check_round_trip(form, graph)

    check()


@settings(max_examples=EXAMPLES)
@given(graphs(xml_texts))
@example(KNOWN)
def test_graphml_gives_the_same_graph_for_all_that_xml_can_hold(graph: Any) -> None:
    check_round_trip("graphml", graph)


@settings(max_examples=EXAMPLES)
@given(graphs(texts))
@example(KNOWN)
def test_csv_is_read_the_same_without_pyarrow(graph: Any) -> None:
    from memoradb.bulk import csv

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv, "arrow_blocks", lambda *_: None)
        check_round_trip("csv", graph)


@pytest.mark.parametrize("form", FORMS)
def test_an_empty_graph_makes_files_that_hold_nothing(form: str, tmp_path: Path) -> None:
    if form in ("parquet", "arrow"):
        pytest.importorskip("pyarrow")
    with memoradb.open(None) as one, memoradb.open(None) as other:
        written = getattr(one, FORMS[form][0])(tmp_path / "g")
        assert (written.nodes, written.relationships) == (0, 0)
        if form in ("jsonl", "graphml"):
            assert getattr(other, FORMS[form][1])(tmp_path / "g").nodes == 0


def test_half_a_surrogate_pair_from_an_older_graph_is_said(tmp_path: Path) -> None:
    with memoradb.open(None) as database:
        with database.storage.begin(exclusive=True) as transaction:
            transaction.view.create_nodes(1, ["A"], {"a": ListColumn(["x\ud800"])})
            transaction.commit()
        for form in ("csv", "parquet", "graphml"):
            with pytest.raises(ArgumentError, match=r"surrogate|U\+D800"):
                getattr(database, FORMS[form][0])(tmp_path / form)
            if form == "graphml":
                assert not list(tmp_path.glob("graphml*"))  # nothing half written is left


def test_what_a_form_cannot_hold_is_said(tmp_path: Path) -> None:
    with memoradb.open(None) as database:
        build(database, ([(["a;b", "c:d"], {"x": "\x00"})], []))
        with pytest.raises(ArgumentError, match=r"U\+0000"):
            database.export_graphml(tmp_path / "g.graphml")
        with pytest.raises(ArgumentError, match="label `a;b`"):
            database.export_csv(tmp_path / "csv")


@pytest.mark.parametrize("form", ["jsonl", "graphml", "parquet"])
def test_labels_with_any_character_come_back(form: str) -> None:
    if form == "parquet":
        pytest.importorskip("pyarrow")
    check_round_trip(form, ([(["a;b", "c:d", "[x"], {"x": 1}), ([":"], {})], [(0, "t:y;p", 1, {})]))
