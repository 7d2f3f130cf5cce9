"""The judge, judged: convolutions in balls against closed forms, and around the floats of the reference."""

import numpy as np
import pytest
from flint import acb, arb, ctx

import refimpl.convolution as reference
from proofs_check.balls import convolution as balls

ONES = np.ones((1, 1, 1, 3))
RISING = np.array([[[[2.0, -1.0, 2.0]]]])


@pytest.fixture(autouse=True)
def precision():
    with ctx.workprec(128):
        yield


def close(value, expected, bits=90):
    assert value.overlaps(expected), f"{value} does not hold {expected}"
    assert float(value.rad()) <= 2.0**-bits * max(1.0, float(abs(expected).mid()))


@pytest.mark.parametrize(("K", "n", "how", "expected"), [
    (ONES, (1, 4), {}, lambda: arb(3)),
    (ONES, (1, 6), {"padding": "zero"}, lambda: 1 + 2 * (arb(1) / 7).cos_pi()),
    (ONES, (1, 1), {"padding": "full"}, lambda: arb(3).sqrt()),
    (ONES, (1, 4), {"padding": "valid"}, lambda: arb(5).sqrt()),
    (RISING, (1, 3), {}, lambda: arb(3)),
    (RISING, (1, 4), {}, lambda: arb(5)),
    (RISING, (1, 3), {"padding": "zero"}, lambda: 1 + 2 * arb(2).sqrt()),
    (np.outer([2.0, -1, 2], [2.0, -1, 2])[None, None], (4, 4), {"padding": "zero"},
     lambda: (1 + 4 * (arb(1) / 5).cos_pi()) ** 2),
    (np.ones((1, 1, 1, 2)), (1, 3), {"stride": (1, 2)}, lambda: arb(3).sqrt()),
    (np.ones((2, 1, 1, 1)), (2, 2), {"groups": 2}, lambda: arb(1)),
    (ONES, (1, 2), {}, lambda: arb(3)),
    (ONES, (1, 4), {"dilation": (1, 2)}, lambda: arb(3)),
])
def test_norms_in_closed_form(K, n, how, expected):
    close(balls.conv_spectral_norm(K, n, **how).norm, expected())


def test_a_large_circular_norm_comes_from_the_frequencies():
    K = np.einsum("ji,pq->jipq", np.diag([1.0, 2.0]), np.ones((3, 3)))
    close(balls.conv_spectral_norm(K, (4, 4)).norm, arb(18))
    shifted = np.zeros((2, 2, 1, 2), complex)
    shifted[0, 0, 0, 1], shifted[1, 1, 0, 0] = 1j, 1
    close(balls.conv_spectral_norm(shifted, (1, 7)).norm, arb(1))


def test_the_gram_kernel_and_its_bounds():
    assert [float(v.mid()) for v in balls.gram_kernel(ONES, 2).ravel()] == [1, 4, 10, 16, 19, 16, 10, 4, 1]
    close(balls.zero_padded_norm_bound(ONES, 2), arb(3))
    close(balls.zero_padded_norm_bound(ONES, 1, "fro"), arb(5 * 19) ** arb(0.25))
    close(balls.zero_padded_norm_bound(ONES, 1, "fro", n=(1, 2)), arb(2 * 19) ** arb(0.25))
    assert balls.gram_kernel([[[[1.0, 1j]]]]).ravel()[2].overlaps(acb(0, 1))


def test_factors_of_the_size_transfer():
    close(balls.size_transfer_factor(3, 4, 0), arb(2))
    close(balls.size_transfer_factor((1, 3), (1, 6), 0), 2 / arb(3).sqrt())
    close(balls.size_transfer_factor((1, 3), (1, 3), 0), arb(3).sqrt())


def middle(value):
    """Midpoints as complex numbers."""
    flat = [acb(v) if isinstance(v, (arb, acb)) else acb(float(v)) for v in np.asarray(value, dtype=object).ravel()]
    return np.array([complex(float(v.real.mid()), float(v.imag.mid())) for v in flat])


CALLS = {
    "conv2d": lambda f, K, X: f(X, K, padding="zero", stride=(1, 2)),
    "conv2d_transpose": lambda f, K, X: f(np.ones((len(K), *X.shape[1:])), K, X.shape[1:]),
    "circulant_matrix": lambda f, K, X: f(K, (2, 2), anchor=0),
    "toeplitz_matrix": lambda f, K, X: f(K, (2, 2), padding="full"),
    "strided_matrix": lambda f, K, X: f(K, (3, 4), (2, 1), dilation=(1, 2)),
    "conv_spectral_norm": lambda f, K, X: f(K, (3, 4), padding="zero").norm,
    "dft_matrix": lambda f, K, X: f(5),
    "spectral_density": lambda f, K, X: f(K, [0.5, 1.0], [[2.0], [3.0]]),
    "frequency_blocks": lambda f, K, X: f(K, (3, 2)),
    "channel_permutation": lambda f, K, X: f(2, 3),
    "block_diagonalization": lambda f, K, X: np.concatenate([part.ravel() for part in f(K, (2, 3))]),
    "circular_norm_bound": lambda f, K, X: f(K, (3, 4), 2),
    "circular_norm_bound_gradient": lambda f, K, X: f(K.real, (3, 4), 2),
    "gram_kernel": lambda f, K, X: f(K, 2),
    "zero_padded_norm_bound": lambda f, K, X: f(K, 2, "fro", n=(2, 9)),
    "polyphase_kernel": lambda f, K, X: f(K, (1, 2)),
    "strided_norm_bound": lambda f, K, X: f(K, (4, 4), (1, 2), 2),
    "size_transfer_factor": lambda f, K, X: f((2, 3), (40, 20), 3),
    "smaller_input_norm_bound": lambda f, K, X: f(K, (5, 7), 1),
    "conv_power_iteration": lambda f, K, X: f(K, X.shape[1:], 2, start=X),
    "four_matrix_bound": lambda f, K, X: f(K),
    "sampled_density_bound": lambda f, K, X: f(K, 4),
}


def test_every_public_function_is_compared():
    functions = {name for name in reference.__all__ if not isinstance(getattr(reference, name), type)}
    assert functions == set(CALLS)


@pytest.mark.parametrize("kind", ["real", "complex"])
@pytest.mark.parametrize("name", CALLS)
def test_balls_agree_with_the_floats_of_the_reference(rng, name, kind):
    K = rng.integers(-4, 5, (2, 3, 2, 3)) / 2
    K = K + 1j * rng.integers(-4, 5, K.shape) if kind == "complex" else K
    X = rng.integers(-4, 5, (3, 3, 4)) / 2
    exact, floats = (CALLS[name](getattr(module, name), K, X) for module in (balls, reference))
    expected = np.asarray(floats).ravel()
    scale = np.abs(K).sum() ** (4 if name == "gram_kernel" else 1) * np.abs(X).sum()
    np.testing.assert_allclose(middle(exact), expected, rtol=0, atol=200 * 2.0**-53 * scale)
