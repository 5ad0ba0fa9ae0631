"""The write-ahead log: the only truth."""
