"""Claims of the source `thesis`."""
