"""Generators of values, graphs and queries."""
