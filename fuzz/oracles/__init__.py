"""What must hold for every query."""
