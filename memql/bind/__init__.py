"""Names to meanings."""
