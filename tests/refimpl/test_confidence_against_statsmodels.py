"""The intervals of another library: statsmodels' Clopper-Pearson."""

import numpy as np
import pytest

from refimpl.confidence import clopper_pearson

proportion = pytest.importorskip("statsmodels.stats.proportion")


@pytest.mark.parametrize("n", [1, 2, 10, 1000, 10**6])
@pytest.mark.parametrize("alpha", [0.5, 0.05, 1e-3, 1e-10])
def test_both_ends_agree(n, alpha):
    counts = np.unique(np.round(np.linspace(0, n, 23)).astype(int))
    low, high = proportion.proportion_confint(counts, n, alpha=alpha, method="beta")
    found = clopper_pearson(counts, n, alpha)
    # The other library gives NaN, or nothing better than scipy's quantile, at the two trivial ends.
    np.testing.assert_allclose(found.lower[1:], low[1:], rtol=1e-11)
    np.testing.assert_allclose(found.upper[:-1], high[:-1], rtol=1e-11)
    assert found.lower[0] == 0 and found.upper[-1] == 1
