"""Claims of the source `lipref`."""
