"""Look-up by value."""
