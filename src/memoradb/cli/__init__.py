"""The command ``memoradb``."""
