"""Convolutions, their adjoints and a gradient against PyTorch, an implementation by others."""

import numpy as np
import pytest

from refimpl import convolution

torch = pytest.importorskip("torch")
functional = torch.nn.functional

U = 2.0**-53
# channels in, channels out, groups, kernel, image, dilation
LAYERS = {
    "square": (2, 3, 1, (3, 3), (6, 6), 1),
    "one channel": (1, 1, 1, (3, 3), (5, 5), 1),
    "oblong": (3, 2, 1, (3, 5), (7, 6), 1),
    "even": (2, 2, 1, (2, 4), (5, 6), 1),
    "even and odd": (2, 2, 1, (4, 3), (4, 7), 1),
    "pointwise": (3, 4, 1, (1, 1), (4, 3), 1),
    "as large as the image": (2, 1, 1, (4, 5), (4, 5), 1),
    "dilated": (2, 2, 1, (3, 3), (7, 8), (2, 3)),
    "dilated and even": (1, 2, 1, (2, 4), (8, 9), (3, 2)),
    "groups": (4, 6, 2, (3, 3), (5, 6), 1),
    "depthwise": (3, 3, 3, (3, 2), (5, 4), 1),
    "groups and dilated": (4, 2, 2, (2, 3), (6, 7), 2),
    "one-dimensional": (2, 3, 1, (1, 5), (1, 9), 1),
}
STRIDES = [1, 2, (3, 1), (1, 4)]
layers = pytest.mark.parametrize("name", LAYERS)
strides = pytest.mark.parametrize("stride", STRIDES, ids=str)


def _case(name, stride, rng, *, integers=False):
    """Image, kernel and the arguments that both sides take; no stride above the image."""
    c_in, c_out, groups, k, n, dilation = LAYERS[name]
    step, gap = ((a, a) if isinstance(a, int) else a for a in (stride, dilation))
    step = tuple(min(s, size) for s, size in zip(step, n, strict=True))
    shapes = (c_in, *n), (c_out, c_in // groups, *k)
    X, K = ((rng.integers(-9, 10, s).astype(float) if integers else rng.standard_normal(s)) for s in shapes)
    return X, K, {"stride": step, "dilation": gap, "groups": groups}


def _spread(K, how):
    """Size of the dilated kernel."""
    return tuple(d * (k - 1) + 1 for d, k in zip(how["dilation"], K.shape[2:], strict=True))


def _both(operation, X, K):
    """What torch computes, and the same sums of absolute values."""
    return tuple(operation(torch.tensor(a), torch.tensor(b)).numpy() for a, b in ((X, K), (np.abs(X), np.abs(K))))


def _agree(got, operation, X, K):
    """Two sums of the same products: each off by at most terms * u * the sum of absolute products, to first order."""
    expected, magnitudes = _both(operation, X, K)
    terms = K.size  # not fewer than an output or a pixel has
    assert got.shape == expected.shape
    assert (np.abs(got - expected) <= 2 * (terms + 2) * U * magnitudes).all()


def _padded(X, before, after, mode):
    """Rows and columns added by torch, which lists the last axis first."""
    sides = [before[1], after[1], before[0], after[0]]
    return functional.pad(X[None], sides, mode=mode)[0]


def _rest(K, how, before):
    return tuple(k - 1 - a for k, a in zip(_spread(K, how), before, strict=True))


@strides
@layers
@pytest.mark.parametrize(("padding", "mode"), [("zero", "constant"), ("circular", "circular")])
def test_convolution_equals_torch_on_an_image_padded_around_the_anchor(name, stride, padding, mode, frozen, rng):
    X, K, how = _case(name, stride, rng)
    spread = _spread(K, how)
    centre = tuple((k - 1) // 2 for k in spread)
    for anchor in (None, (0, 0), (spread[0] - 1, 0), (spread[0] // 2, spread[1] - 1)):
        before = anchor or centre
        got = convolution.conv2d(frozen(X), frozen(K), padding=padding, anchor=anchor, **how)
        _agree(
            got,
            lambda a, b, at=before: functional.conv2d(_padded(a, at, _rest(K, how, at), mode)[None], b, **how)[0],
            X, K,
        )


@strides
@layers
def test_convolution_equals_torch_with_the_symmetrical_padding_of_odd_kernels(name, stride, frozen, rng):
    X, K, how = _case(name, stride, rng)
    spread = _spread(K, how)
    half = tuple(k // 2 for k in spread)
    full = tuple(k - 1 for k in spread)
    paddings = {"valid": (0, 0), "full": full}
    if all(k % 2 for k in spread):
        paddings["zero"] = half
    for padding, width in paddings.items():
        got = convolution.conv2d(frozen(X), frozen(K), padding=padding, **how)
        _agree(got, lambda a, b, w=width: functional.conv2d(a[None], b, padding=w, **how)[0], X, K)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@layers
def test_zero_padding_is_what_torch_calls_same(name, frozen, rng):
    X, K, how = _case(name, 1, rng)
    got = convolution.conv2d(frozen(X), frozen(K), padding="zero", **how)
    _agree(got, lambda a, b: functional.conv2d(a[None], b, padding="same", **how)[0], X, K)


@layers
def test_circular_padding_is_that_of_a_torch_layer(name, frozen, rng):
    X, K, how = _case(name, 1, rng)

    def layer(a, b):
        c_in, c_out = len(a), len(b)
        module = torch.nn.Conv2d(
            c_in, c_out, tuple(b.shape[2:]), padding="same", padding_mode="circular", bias=False,
            dtype=torch.float64, **how,
        )
        module.weight.data = b
        with torch.no_grad():
            return module(a[None])[0]

    _agree(convolution.conv2d(frozen(X), frozen(K), padding="circular", **how), layer, X, K)


@pytest.mark.parametrize("padding", ["zero", "valid", "full"])
def test_height_one_is_the_one_dimensional_convolution_of_torch(padding, frozen, rng):
    for k, n, stride, dilation, groups in [(3, 8, 1, 1, 1), (5, 9, 2, 1, 2), (3, 9, 3, 2, 1), (1, 4, 4, 1, 2)]:
        X, K = rng.standard_normal((4, 1, n)), rng.standard_normal((2, 4 // groups, 1, k))
        width = {"zero": dilation * (k - 1) // 2, "valid": 0, "full": dilation * (k - 1)}[padding]
        how = {"groups": groups}
        got = convolution.conv2d(
            frozen(X), frozen(K), padding=padding, stride=(1, stride), dilation=(1, dilation), **how
        )
        _agree(
            got[:, 0],
            lambda a, b, s=stride, d=dilation, w=width, g=how: functional.conv1d(
                a[None, :, 0], b[:, :, 0], stride=s, dilation=d, padding=w, **g
            )[0],
            X, K,
        )


def _output_padding(n, rows, K, how, width):
    """What torch needs to know about the size of the image, which the stride rounds away."""
    return tuple(
        size - ((row - 1) * s - 2 * w + k)
        for size, row, s, w, k in zip(n, rows, how["stride"], width, _spread(K, how), strict=True)
    )


@strides
@layers
def test_transposed_convolution_equals_that_of_torch(name, stride, frozen, rng):
    X, K, how = _case(name, stride, rng)
    spread = _spread(K, how)
    paddings = {"valid": (0, 0), "full": tuple(k - 1 for k in spread)}
    if all(k % 2 for k in spread):
        paddings["zero"] = tuple(k // 2 for k in spread)
    for padding, width in paddings.items():
        Y = rng.standard_normal(convolution.conv2d(X, K, padding=padding, **how).shape)
        got = convolution.conv2d_transpose(frozen(Y), frozen(K), X.shape[1:], padding=padding, **how)
        extra = _output_padding(X.shape[1:], Y.shape[1:], K, how, width)
        assert all(0 <= e < s for e, s in zip(extra, how["stride"], strict=True))
        _agree(
            got,
            lambda a, b, w=width, e=extra: functional.conv_transpose2d(
                a[None], b, padding=w, output_padding=e, **how
            )[0],
            Y, K,
        )


@strides
@layers
def test_transposed_circular_convolution_is_the_derivative_that_torch_finds(name, stride, frozen, rng):
    X, K, how = _case(name, stride, rng)
    centre = tuple((k - 1) // 2 for k in _spread(K, how))
    Y = rng.standard_normal(convolution.conv2d(X, K, **how).shape)

    def derivative(a, b):
        image = torch.zeros(X.shape, dtype=torch.float64, requires_grad=True)
        around = _padded(image, centre, _rest(K, how, centre), "circular")
        return torch.autograd.grad((functional.conv2d(around[None], b, **how)[0] * a).sum(), image)[0]

    _agree(convolution.conv2d_transpose(frozen(Y), frozen(K), X.shape[1:], **how), derivative, Y, K)


@strides
@layers
def test_convolutions_of_small_integers_are_exact(name, stride, frozen, rng):
    X, K, how = _case(name, stride, rng, integers=True)
    spread = _spread(K, how)
    centre = tuple((k - 1) // 2 for k in spread)
    for padding, mode in (("zero", "constant"), ("circular", "circular")):
        image = _padded(torch.tensor(X), centre, _rest(K, how, centre), mode)[None]
        expected = functional.conv2d(image, torch.tensor(K), **how)[0].numpy()
        assert (convolution.conv2d(frozen(X), frozen(K), padding=padding, **how) == expected).all()
    whole = functional.conv2d(torch.tensor(X)[None], torch.tensor(K), **how)
    back = torch.ones_like(whole)
    extra = _output_padding(X.shape[1:], whole.shape[2:], K, how, (0, 0))
    expected = functional.conv_transpose2d(back, torch.tensor(K), output_padding=extra, **how)[0].numpy()
    got = convolution.conv2d_transpose(frozen(back[0].numpy()), frozen(K), X.shape[1:], padding="valid", **how)
    assert (got == expected).all()


def _bound_in_torch(K, n, n_iter):
    D = torch.fft.fft2(K, s=n).permute(2, 3, 0, 1)
    for _ in range(n_iter):
        D = D.mH @ D
    return (torch.linalg.matrix_norm(D) ** 2.0**-n_iter).max()


@pytest.mark.parametrize("n_iter", [0, 1, 2, 3, 5, 7])
@pytest.mark.parametrize(
    ("shape", "n"), [((2, 3, 3, 3), (6, 6)), ((4, 2, 3, 2), (5, 4)), ((1, 1, 1, 4), (1, 7)), ((3, 3, 5, 5), (5, 8))]
)
def test_gradient_of_the_circular_bound_is_that_of_automatic_differentiation(shape, n, n_iter, frozen, rng):
    K = rng.standard_normal(shape)
    K /= convolution.conv_spectral_norm(K, n).norm  # powers then neither overflow nor vanish
    taps = torch.tensor(K, requires_grad=True)
    bound = _bound_in_torch(taps, n, n_iter)
    expected = torch.autograd.grad(bound, taps)[0].numpy()
    got = convolution.circular_norm_bound_gradient(frozen(K), n, n_iter)
    # The gradient has length 1 at most and is of degree 2^(n_iter+1) in the block, which is off by some roundings
    # of the sum over the taps; every Gram step adds a sum over the channels.
    roundings = 2 ** (n_iter + 1) * (K[0, 0].size + (n_iter + 1) * max(shape[:2]))
    tolerance = roundings * U * np.abs(K).sum() / float(bound.detach())
    assert np.abs(got - expected).max() <= tolerance < 1e-8
    assert convolution.circular_norm_bound(K, n, n_iter) == pytest.approx(float(bound.detach()), rel=tolerance)
