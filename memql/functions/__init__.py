"""Scalar and aggregate functions, by family."""
