"""Changesets as bytes and back; equal changesets give equal bytes.

Small ones take the compact form, which many changesets share most of: see ``compact``. The others are one encoded list.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from memoradb.core.columns import Column, IntArray
from memoradb.core.errors import CorruptionError
from memoradb.core.serde import decode as decode_value
from memoradb.core.serde import decode_column, encode_column
from memoradb.core.serde import encode as encode_value
from memoradb.core.values import Value

from ..view import Element, definition_from_value, definition_to_value
from . import compact
from .changeset import Changeset, NewNodes, NewRelationships, SetLabels, SetProperties

FORMAT = 2


def _ids(ids: IntArray) -> bytes:
    return np.ascontiguousarray(ids, "<i8").tobytes()


def _columns(columns: Mapping[str, Column]) -> Value:
    return {key: encode_column(column) for key, column in columns.items()}


def encode(changeset: Changeset) -> bytes:
    """The changeset as bytes.

    Raises:
        ArithmeticOverflow: an integer does not fit 64 bits.
    """
    small = compact.encode(changeset)
    if small is not None:
        return small
    notes = [[[name, note] for name, note in changeset.notes]] if changeset.notes else []
    return encode_value(
        [
            FORMAT,
            list(changeset.drop_indexes),
            [[n.first_id, n.count, list(n.labels), _columns(n.properties)] for n in changeset.new_nodes],
            [
                [r.first_id, r.type, _ids(r.sources), _ids(r.targets), _columns(r.properties)]
                for r in changeset.new_relationships
            ],
            [[p.element.value, p.key, _ids(p.ids), encode_column(p.values)] for p in changeset.properties],
            [[x.label, _ids(x.ids), x.remove] for x in changeset.labels],
            _ids(changeset.delete_relationships),
            _ids(changeset.delete_nodes),
            [definition_to_value(d) for d in changeset.create_indexes],
            *notes,
        ]
    )


def _read_ids(data: Value) -> IntArray:
    if not isinstance(data, bytes) or len(data) % 8:
        raise CorruptionError("A changeset's ids are cut off.")
    return np.frombuffer(data, "<i8").astype(np.int64)


def _read_columns(value: Value) -> dict[str, Column]:
    return {key: decode_column(data) for key, data in value.items()}


def decode(data: bytes) -> Changeset:
    """The changeset that ``data`` is; CorruptionError for anything else."""
    shape = compact.shape_of(data)
    if shape is not None:
        return compact.decode(data, shape)
    value = decode_value(data)
    try:
        version, dropped, nodes, relationships, properties, labels, dead_r, dead_n, created, *more = value
        (notes,) = more or ((),)  # hardly any changeset has notes: the others do without the empty list
        if version != FORMAT:
            raise CorruptionError(f"A changeset has format {version}; this version reads {FORMAT}.")
        return Changeset(
            tuple(dropped),
            tuple(NewNodes(i, c, tuple(names), _read_columns(p)) for i, c, names, p in nodes),
            tuple(
                NewRelationships(i, t, _read_ids(s), _read_ids(e), _read_columns(p)) for i, t, s, e, p in relationships
            ),
            tuple(SetProperties(Element(e), k, _read_ids(i), decode_column(v)) for e, k, i, v in properties),
            tuple(SetLabels(n, _read_ids(i), bool(r)) for n, i, r in labels),
            _read_ids(dead_r),
            _read_ids(dead_n),
            tuple(map(definition_from_value, created)),
            tuple((str(name), note) for name, note in notes),
        )
    except (TypeError, ValueError, AttributeError) as error:
        raise CorruptionError(f"A changeset has an unknown shape: {error}.") from error
