"""Confidence intervals of many means at once, as in `refimpl.confidence`."""

from gpu.confidence._intervals import Interval, clopper_pearson, empirical_bernstein, hoeffding

__all__ = ["Interval", "clopper_pearson", "empirical_bernstein", "hoeffding"]
