"""adversarial-robustness-toolbox: certificates of a smoothed classifier, from given counts."""

from typing import Any

import numpy as np
from art.estimators.certification.randomized_smoothing.randomized_smoothing import RandomizedSmoothingMixin

from proofs_check.implementation import Unsupported
from refimpl.certificates import Certificate


class _Predicting(RandomizedSmoothingMixin):
    """Predicts each class as often as it is told to, first for the selection, then for the estimation."""

    def __init__(self, samples: list[Any], sigma: float, alpha: float) -> None:
        super().__init__(sample_size=int(samples[0].sum()), scale=sigma, alpha=alpha)
        self._samples = iter(samples)

    def _predict_classifier(self, x: Any, batch_size: int, training_mode: bool, **rest: Any) -> Any:
        counts = next(self._samples)
        return np.repeat(np.eye(len(counts)), counts, axis=0)


def certify_mono(selection: Any, estimation: Any, sigma: float, alpha: float) -> Certificate:
    """``RandomizedSmoothingMixin.certify``, with the bound of the probability that it takes the radius from."""
    first, second = np.asarray(selection), np.asarray(estimation)
    if first.ndim != 1 or first.shape != second.shape:
        raise Unsupported("one input at a time here, with the same classes in both samples")
    smoothed = _Predicting([first, second], sigma, alpha)
    n = int(second.sum())
    labels, radii = smoothed.certify(np.zeros((1, 1)), n, batch_size=n)
    lower = float(smoothed._lower_confidence_bound(second[first.argmax()], n))
    return Certificate(int(labels[0]), float(radii[0]), lower, 1 - lower, alpha)
