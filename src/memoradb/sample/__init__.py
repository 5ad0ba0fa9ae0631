"""Sample graphs built from real input that every machine has."""
