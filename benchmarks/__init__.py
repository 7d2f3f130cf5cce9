"""lipref's fast side against public implementations, side by side: ``python -m benchmarks``."""
