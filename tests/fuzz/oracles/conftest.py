"""The kit's adapter is imported by the kit's runner, beside which its own imports stand: it is no test module."""

collect_ignore = ["kit_adapter.py"]
