"""Confidence intervals for certification, how often they cover, and partitions of classes."""

from refimpl.confidence._coverage import Coverage, exact_coverage, simulated_coverage
from refimpl.confidence._intervals import Interval, bonferroni, clopper_pearson, empirical_bernstein, hoeffding
from refimpl.confidence._partition import Partition, partition_classes

__all__ = [
    "Coverage",
    "Interval",
    "Partition",
    "bonferroni",
    "clopper_pearson",
    "empirical_bernstein",
    "exact_coverage",
    "hoeffding",
    "partition_classes",
    "simulated_coverage",
]
