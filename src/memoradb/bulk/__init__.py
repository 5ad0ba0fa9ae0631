"""Graphs in and out of files.

In: ``loader`` takes columns and the tables of ``parquet`` and ``arrow``; ``graph_import`` takes whole graphs, from the
sources in ``csv``, ``table_source``, ``jsonl`` and ``graphml``. Out: ``graph_export`` reads a view in batches, which
``csv_export``, ``table_export``, ``jsonl_export`` and ``graphml_export`` write. ``header`` and ``text_values`` are the
conventions that both directions share. ``imports`` and ``exports`` are the methods that a database has for it.
"""
