"""CALL: procedures and their registry."""
