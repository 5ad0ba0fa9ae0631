"""Choosing a physical plan."""
