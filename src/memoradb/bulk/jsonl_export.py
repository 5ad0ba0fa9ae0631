"""The graph as JSON lines, in the shape of Neo4j's APOC exports: nodes first, then relationships."""

from __future__ import annotations

from typing import Any

from memoradb.core.values import Value
from memoradb.storage.view import Element

from .graph_export import Batch, Exported, Progress, Report, Selection, writing
from .typed_json import dumps, to_json


def export_jsonl(selection: Selection, path: str, report: Report) -> Exported:
    """One line for each node and relationship of a selection.

    Raises:
        ArgumentError: the file cannot be written.
    """
    progress = Progress(selection, report)
    labels: dict[int, list[str]] = {}
    with writing(path) as file:
        for group in selection.node_groups():
            for batch in selection.batches(Element.NODE, group):
                lines: list[bytes] = []
                names = list(batch.names)
                for id, properties in zip(batch.ids.tolist(), _properties(batch), strict=True):
                    labels[id] = names
                    lines.append(dumps({"type": "node", "id": str(id), "labels": names, "properties": properties}))
                file.write(b"".join(line + b"\n" for line in lines))
                progress.tell("nodes", len(lines))
        for group in selection.relationship_groups():
            for batch in selection.batches(Element.RELATIONSHIP, group):
                ends = zip(batch.starts.tolist(), batch.ends.tolist(), strict=True)
                lines = [
                    dumps(
                        {
                            "type": "relationship",
                            "id": str(id),
                            "label": batch.names[0],
                            "properties": properties,
                            "start": {"id": str(start), "labels": labels[start]},
                            "end": {"id": str(end), "labels": labels[end]},
                        }
                    )
                    for id, (start, end), properties in zip(batch.ids.tolist(), ends, _properties(batch), strict=True)
                ]
                file.write(b"".join(line + b"\n" for line in lines))
                progress.tell("relationships", len(lines))
    return Exported(len(selection.nodes), len(selection.relationships), (path,))


def _properties(batch: Batch) -> list[dict[str, Any]]:
    """The properties of each row."""
    rows: list[dict[str, Value]] = [{} for _ in range(len(batch.ids))]
    for key, column in batch.columns.items():
        for row, value in zip(rows, column.values(), strict=True):
            if value is not None:
                row[key] = to_json(value)
    return rows
