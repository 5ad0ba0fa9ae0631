"""Expression evaluation over batches."""
