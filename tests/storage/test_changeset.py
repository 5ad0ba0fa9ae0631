"""Changesets as bytes."""

import contextlib
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoradb.core.columns import ListColumn, TypedColumn, lift
from memoradb.core.errors import CorruptionError
from memoradb.core.serde import decode as decode_value
from memoradb.core.serde import encode as encode_value
from memoradb.storage.changeset import Changeset, NewNodes, NewRelationships, SetLabels, SetProperties, decode, encode
from memoradb.storage.view import Element, IndexKind

sys.path.insert(0, str(Path(__file__).parent))

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
    parts[0] = 2
    with pytest.raises(CorruptionError, match="format 2"):
        decode(encode_value(parts))


def test_ids_are_stored_little_endian_whatever_the_machine() -> None:
    one = Changeset(delete_nodes=np.array([1], ">i8").astype(np.int64))
    assert (1).to_bytes(8, "little") in encode(one)
