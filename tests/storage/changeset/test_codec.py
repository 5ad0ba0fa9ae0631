"""Changesets as bytes."""

import contextlib
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoradb.core.columns import Column, ListColumn, TypedColumn, lift
from memoradb.core.errors import ArithmeticOverflow, CorruptionError
from memoradb.core.serde import decode as decode_value
from memoradb.core.serde import encode as encode_value
from memoradb.storage.changeset import (
    FORMAT,
    Changeset,
    NewNodes,
    NewRelationships,
    SetLabels,
    SetProperties,
    compact,
    decode,
    encode,
)
from memoradb.storage.changeset.batch import Batch
from memoradb.storage.changeset.compact import shape_of
from memoradb.storage.view import Element, IndexKind

sys.path.insert(0, str(Path(__file__).parents[1]))

from changesets import histories
from workload import index, slots

FULL = Changeset(
    ("old",),
    (NewNodes(3, 2, ("A", "B"), {"x": lift([1, None]), "y": lift(["a", "b"]), "z": ListColumn([[1.5], None])}),),
    (NewRelationships(9, "R", slots(3, 4), slots(4, 3), {"w": lift([0.5, 1.5])}),),
    (
        SetProperties(Element.NODE, "x", slots(1), lift([None])),
        SetProperties(Element.RELATIONSHIP, "w", slots(2), lift([True])),
    ),
    (SetLabels("A", slots(1), True),),
    slots(5),
    slots(6, 7),
    (index("near", IndexKind.VECTOR, "A", "z", dimensions=3, similarity="cosine"),),
)


def test_a_changeset_is_decoded_as_it_was_encoded_and_equal_ones_give_equal_bytes() -> None:
    raw = encode(FULL)
    assert encode(decode(raw)) == raw
    found = decode(raw)
    assert found.new_nodes[0].labels == ("A", "B") and found.new_nodes[0].properties["x"].values() == [1, None]
    assert isinstance(found.new_nodes[0].properties["x"], TypedColumn)
    assert found.delete_nodes.tolist() == [6, 7] and found.create_indexes == FULL.create_indexes
    assert FULL.size == 10 and not FULL.is_empty and Changeset().is_empty and Changeset().size == 0


def test_a_truncated_changeset_is_corruption() -> None:
    raw = encode(FULL)
    for size in range(len(raw)):
        with pytest.raises(CorruptionError):
            decode(raw[:size])


@given(st.integers(0, len(encode(FULL)) - 1), st.integers(1, 255))
def test_a_damaged_changeset_is_corruption_or_another_changeset(at: int, change: int) -> None:
    raw = bytearray(encode(FULL))
    raw[at] ^= change
    with contextlib.suppress(CorruptionError):
        assert isinstance(decode(bytes(raw)), Changeset)


@given(
    st.recursive(
        st.one_of(st.none(), st.integers(0, 9), st.binary(max_size=9), st.text(max_size=3)), st.lists, max_leaves=9
    )
)
def test_any_other_value_is_corruption(value: object) -> None:
    with pytest.raises(CorruptionError):
        decode(encode_value(value))


def test_a_format_from_the_future_is_named() -> None:
    parts = decode_value(encode(FULL))
    parts[0] = FORMAT + 1
    with pytest.raises(CorruptionError, match=f"format {FORMAT + 1}"):
        decode(encode_value(parts))


def test_ids_are_stored_little_endian_whatever_the_machine() -> None:
    one = Changeset(delete_nodes=np.array([1], ">i8").astype(np.int64))
    assert (1).to_bytes(8, "little") in encode(one)


@given(histories(most=6))
def test_every_changeset_survives_in_whichever_form(changesets: list[Changeset]) -> None:
    for changeset in changesets:
        raw = encode(changeset)
        found = decode(raw)
        assert encode(found) == raw
        assert shown(found) == shown(changeset)
        assert (shape_of(raw) is None) == (compact.encode(changeset) is None)


def shown(changeset: Changeset) -> object:
    """All of a changeset as plain values that can be compared."""

    def columns(properties: Mapping[str, Column]) -> object:
        return [(key, repr(column.values())) for key, column in sorted(properties.items())]

    return (
        changeset.drop_indexes,
        [(n.first_id, n.count, n.labels, columns(n.properties)) for n in changeset.new_nodes],
        [
            (r.first_id, r.type, r.sources.tolist(), r.targets.tolist(), columns(r.properties))
            for r in changeset.new_relationships
        ],
        [(p.element, p.key, p.ids.tolist(), repr(p.values.values())) for p in changeset.properties],
        [(x.label, x.ids.tolist(), x.remove) for x in changeset.labels],
        changeset.delete_relationships.tolist(),
        changeset.delete_nodes.tolist(),
        changeset.create_indexes,
        changeset.notes,
    )


SMALL = Changeset(
    new_nodes=(
        NewNodes(3, 1, ("A",), {"x": lift([1]), "s": lift(["ab"]), "v": ListColumn([[1.5]])}),
        NewNodes(4, 2, ("A",), {"s": lift(["c", "de"]), "v": ListColumn([None, 2])}),
    ),
    new_relationships=(NewRelationships(9, "R", slots(3), slots(3), {"w": lift([0.5]), "n": ListColumn([None])}),),
    properties=(SetProperties(Element.NODE, "x", slots(1), lift([True])),),
    labels=(SetLabels("A", slots(1), True),),
    delete_relationships=slots(5),
    delete_nodes=slots(6),
)


def test_transactions_of_one_kind_share_their_shape() -> None:
    other = Changeset(new_nodes=(NewNodes(8, 1, ("A",), {"x": lift([-1]), "s": lift([""]), "v": ListColumn([[]])}),))
    same = Changeset(new_nodes=SMALL.new_nodes[:1])
    assert shape_of(encode(same)) is shape_of(encode(other)) is not None
    assert shape_of(encode(SMALL)) is not shape_of(encode(same))
    assert shape_of(encode(FULL)) is None


def test_how_many_elements_a_step_has_is_part_of_the_shape_and_beyond_a_bound_there_is_none() -> None:
    def of(count: int) -> Changeset:
        return Changeset(new_nodes=(NewNodes(0, count, ("A",), {"x": ListColumn(list(range(count)))}),))

    raws = [encode(of(count)) for count in (1, 2, compact.ROWS_MAX, compact.ROWS_MAX + 1)]
    shapes = list(map(shape_of, raws))
    assert len({id(shape) for shape in shapes}) == 4 and shapes[-1] is None
    assert [decode(raw).new_nodes[0].properties["x"].values() for raw in raws] == [
        list(range(count)) for count in (1, 2, compact.ROWS_MAX, compact.ROWS_MAX + 1)
    ]


def test_a_truncated_small_changeset_is_corruption() -> None:
    raw = encode(SMALL)
    assert shape_of(raw) is not None
    for size in range(len(raw)):
        with pytest.raises(CorruptionError):
            decode(raw[:size])
    with pytest.raises(CorruptionError):
        decode(raw + b"\0")


@given(st.integers(0, len(encode(SMALL)) - 1), st.integers(1, 255))
def test_a_damaged_small_changeset_is_corruption_or_another_changeset(at: int, change: int) -> None:
    raw = bytearray(encode(SMALL))
    raw[at] ^= change
    damaged = bytes(raw)
    batch = Batch()
    with contextlib.suppress(CorruptionError):
        assert isinstance(decode(damaged), Changeset)
    with contextlib.suppress(CorruptionError):
        shape = shape_of(damaged)
        if shape is not None:
            batch.add(damaged, shape)
            batch.merge()


def test_an_integer_beyond_64_bits_is_refused_in_both_forms() -> None:
    for count in (1, 2):
        column = ListColumn([1 << 63] * count)
        with pytest.raises(ArithmeticOverflow):
            encode(Changeset(new_nodes=(NewNodes(0, count, (), {"x": column}),)))


def test_shapes_are_forgotten_before_they_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compact, "SHAPES_MAX", 10)
    raws = [encode(Changeset(new_nodes=(NewNodes(i, 1, (f"L{i}",), {}),))) for i in range(40)]
    assert len(compact._by_prefix) <= 10
    assert [decode(raw).new_nodes[0].labels for raw in raws] == [(f"L{i}",) for i in range(40)]
