"""Labels, slots and adjacency."""
