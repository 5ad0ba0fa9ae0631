"""The logical algebra."""
