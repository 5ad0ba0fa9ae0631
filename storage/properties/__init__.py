"""Property columns with undo."""
