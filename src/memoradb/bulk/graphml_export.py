"""The graph as GraphML, as Neo4j's APOC writes it with types, and with an attribute of ours for the types it has not.

A property whose values are of several types has a key for each of them.
"""

from __future__ import annotations

import re
from typing import IO, Final
from xml.sax.saxutils import escape, quoteattr

from memoradb.core.columns import Column
from memoradb.core.errors import ArgumentError
from memoradb.core.values import Value
from memoradb.storage.view import Element

from .graph_export import Batch, Exported, Progress, Report, Selection, writing
from .text_values import written
from .typed_json import dumps, to_json

_HEAD: Final = """<?xml version="1.0" encoding="UTF-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" \
xsi:schemaLocation="http://graphml.graphdrawing.org/xmlns http://graphml.graphdrawing.org/xmlns/1.0/graphml.xsd">
"""
_NO_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ITEMS: Final = {bool: "boolean", int: "long", float: "double", str: "string"}
_OWN: Final = frozenset(("boolean", "long", "double", "string"))

Kind = tuple[str, str]
"""How the values of a key are written: type, and that of a list's items or an empty text."""


def export_graphml(selection: Selection, path: str, report: Report) -> Exported:
    """One file of a selection: first the keys, then nodes, then relationships.

    Raises:
        ArgumentError: text with characters that XML has no form for; the file cannot be written.
    """
    progress = Progress(selection, report, passes=2)
    sides = ((Element.NODE, selection.node_groups()), (Element.RELATIONSHIP, selection.relationship_groups()))
    keys: dict[tuple[Element, str, Kind], str] = {}
    for element, groups in sides:
        for group in groups:
            for batch in selection.batches(element, group):
                for name, column in batch.columns.items():
                    for kind in _kinds(column):
                        keys.setdefault((element, name, kind), f"d{len(keys)}")
                progress.tell("keys", len(batch.ids))
    with writing(path) as file:
        _put(file, _HEAD)
        _put(file, '<key id="labels" for="node" attr.name="labels" attr.type="string"/>\n')
        _put(file, '<key id="label" for="edge" attr.name="label" attr.type="string"/>\n')
        for (element, name, (type, items)), identity in keys.items():
            where = "node" if element is Element.NODE else "edge"
            types = f'attr.type="{type if type in _OWN else "string"}"'
            if items:
                types += f' attr.list="{items}"'
            elif type not in _OWN:
                types += f' attr.memql="{type}"'
            _put(file, f'<key id="{identity}" for="{where}" attr.name={_attribute(name)} {types}/>\n')
        _put(file, '<graph id="G" edgedefault="directed">\n')
        for element, groups in sides:
            for group in groups:
                for batch in selection.batches(element, group):
                    _put(file, "".join(_elements(element, batch, keys)))
                    progress.tell("nodes" if element is Element.NODE else "relationships", len(batch.ids))
        _put(file, "</graph>\n</graphml>\n")
    return Exported(len(selection.nodes), len(selection.relationships), (path,))


def _put(file: IO[bytes], text: str) -> None:
    found = _NO_XML.search(text)
    if found is not None:
        raise ArgumentError(
            f"XML cannot hold the character U+{ord(found[0]):04X}, which a text of the graph has.",
            hint="JSON lines can.",
        )
    file.write(text.encode("utf-8"))


def _attribute(text: str) -> str:
    """A quoted attribute; XML would turn line ends and tabs in one into spaces."""
    return quoteattr(text, {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"})


def _text(text: str) -> str:
    return escape(text, {"\r": "&#13;"})


def _kind_and_text(value: Value) -> tuple[Kind, str]:
    if type(value) is list:
        kinds = set(map(type, value))
        if len(kinds) == 1 and (of := kinds.pop()) in _ITEMS:
            return ("string", _ITEMS[of]), dumps(to_json(value)).decode()
        return ("json", ""), dumps(to_json(value)).decode()
    name, _, text = written(value, "")
    return (name, ""), text


def _kinds(column: Column) -> set[Kind]:
    return {_kind_and_text(value)[0] for value in column.values() if value is not None}


def _elements(element: Element, batch: Batch, keys: dict[tuple[Element, str, Kind], str]) -> list[str]:
    rows: list[list[str]] = [[] for _ in range(len(batch.ids))]
    for name, column in batch.columns.items():
        for row, value in zip(rows, column.values(), strict=True):
            if value is not None:
                kind, text = _kind_and_text(value)
                row.append(f'<data key="{keys[element, name, kind]}">{_text(text)}</data>')
    if element is Element.NODE:
        labels = _labels(batch.names)
        head = f" labels={_attribute(labels)}" if labels else ""
        data = f'<data key="labels">{_text(labels)}</data>' if labels else ""
        return [
            f'<node id="n{id}"{head}>{data}{"".join(row)}</node>\n'
            for id, row in zip(batch.ids.tolist(), rows, strict=True)
        ]
    type = batch.names[0]
    head, data = f" label={_attribute(type)}", f'<data key="label">{_text(type)}</data>'
    ends = zip(batch.ids.tolist(), batch.starts.tolist(), batch.ends.tolist(), rows, strict=True)
    return [
        f'<edge id="e{id}" source="n{start}" target="n{end}"{head}>{data}{"".join(row)}</edge>\n'
        for id, start, end, row in ends
    ]


def _labels(names: tuple[str, ...]) -> str:
    """Labels as ``:A:B``, or as a JSON array where one of them holds a colon."""
    if any(":" in name for name in names):
        return dumps(list(names)).decode()
    return "".join(f":{name}" for name in names)
