"""Immutable snapshot files and their manifests."""
