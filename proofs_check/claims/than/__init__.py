"""Claims of the source `than`."""
