"""Convolutional and residual networks, their Jacobians and activations against PyTorch, an implementation by others."""

import copy
import itertools

import numpy as np
import pytest

from refimpl import layers
from refimpl import network as net

torch = pytest.importorskip("torch")
nn, functional = torch.nn, torch.nn.functional

U = 2.0**-53
ACTIVATIONS = {
    "relu": functional.relu, "leaky_relu": lambda x: functional.leaky_relu(x, 0.3), "tanh": torch.tanh,
    "sigmoid": torch.sigmoid, "gelu": lambda x: functional.gelu(x, approximate="none"), "silu": functional.silu,
    # From its threshold on PyTorch returns x, which is off by exp(-40).
    "softplus": lambda x: functional.softplus(x, threshold=40), "abs": torch.abs, "identity": nn.Identity(),
}
# As far from a kink as this: rounding does not cross it.
AWAY = 1e-7


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    """Networks as small as these only wait for more."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


class Sum(nn.Module):
    """Block plus shortcut."""

    def __init__(self, block, shortcut):
        super().__init__()
        self.block, self.shortcut = block, shortcut

    def forward(self, x):
        return self.block(x) + self.shortcut(x)


class Total(nn.Module):
    """Sum over each window: not below the maximum, nor any derivative of it."""

    def __init__(self, pool):
        super().__init__()
        self.average = nn.AvgPool2d(pool.kernel_size, pool.stride, divisor_override=1)

    def forward(self, x):
        return self.average(x)


class Straight(nn.Identity):
    """In the place of an activation that is curved."""


class Twin:
    """One network built in both libraries, part by part; the images go from `shape` on."""

    def __init__(self, shape, rng):
        self.shape, self.inputs, self.rng = shape, int(np.prod(shape)), rng
        self.ours, self.theirs = [], []

    def _add(self, ours, theirs):
        self.ours.append(ours)
        self.theirs.append(theirs)
        with torch.no_grad():
            self.shape = tuple(theirs(torch.zeros(1, *self.shape, dtype=torch.float64)).shape[1:])
        return self

    def conv(self, c_out, k, *, padding="zero", stride=1, dilation=1, groups=1):
        c_in, *n = self.shape
        gaps = (dilation, dilation) if isinstance(dilation, int) else dilation
        width = {"valid": [0, 0], "full": [d * (a - 1) for a, d in zip(k, gaps, strict=True)]}.get(
            padding, [d * (a - 1) // 2 for a, d in zip(k, gaps, strict=True)]
        )
        theirs = nn.Conv2d(
            c_in, c_out, k, stride, tuple(width), dilation, groups, dtype=torch.float64,
            padding_mode="circular" if padding == "circular" else "zeros",
        )
        K = self.rng.standard_normal(theirs.weight.shape) / np.sqrt(theirs.weight[0].numel())
        b = self.rng.standard_normal(c_out) / 4
        theirs.weight.data, theirs.bias.data = torch.tensor(K), torch.tensor(b)
        how = {"padding": padding, "stride": stride, "dilation": dilation, "groups": groups}
        return self._add(net.Convolution(K, tuple(n), b, **how), theirs)

    def norm(self):
        channels = self.shape[0]
        mean, shift = self.rng.standard_normal((2, channels)) / 4
        scale, variance = self.rng.uniform(0.5, 2, (2, channels))
        scale *= self.rng.choice([-1, 1], channels)
        theirs = nn.BatchNorm2d(channels, eps=1e-3, dtype=torch.float64).eval()
        theirs.running_mean, theirs.running_var = torch.tensor(mean), torch.tensor(variance)
        theirs.weight.data, theirs.bias.data = torch.tensor(scale), torch.tensor(shift)
        return self._add(net.FrozenBatchNorm(mean, variance, 1e-3, scale, shift, int(np.prod(self.shape[1:]))), theirs)

    def activation(self, name):
        return self._add(net.Activation(name), {"relu": nn.ReLU, "gelu": nn.GELU, "silu": nn.SiLU}[name]())

    def pool(self, kind, k, stride=None):
        theirs = {"max": nn.MaxPool2d, "average": nn.AvgPool2d}[kind](k, stride)
        return self._add(net.Pooling(kind, self.shape[0], self.shape[1:], k, stride), theirs)

    def linear(self, c_out):
        n = int(np.prod(self.shape))
        W, b = self.rng.standard_normal((c_out, n)) / np.sqrt(n), self.rng.standard_normal(c_out) / 4
        theirs = nn.Linear(n, c_out, dtype=torch.float64)
        theirs.weight.data, theirs.bias.data = torch.tensor(W), torch.tensor(b)
        return self._add(net.Dense(W, b), nn.Sequential(nn.Flatten(), theirs))

    def residual(self, build, shortcut=None):
        block, other = build(Twin(self.shape, self.rng)), None
        if shortcut is not None:
            other = shortcut(Twin(self.shape, self.rng))
        ours = net.Residual(block.network, None if other is None else other.network)
        return self._add(ours, Sum(block.module, nn.Identity() if other is None else other.module))

    @property
    def network(self):
        return net.Sequential(self.ours, self.inputs)

    @property
    def module(self):
        return nn.Sequential(*self.theirs)


def _residual_network(last, rng):
    twin = Twin((2, 11, 13), rng).conv(4, (3, 3)).norm().activation("relu").pool("max", 3, 2)
    twin.residual(
        lambda t: t.conv(4, (3, 3), dilation=2, groups=2).norm().activation("relu").conv(4, (1, 3)).norm()
    ).activation("relu")
    twin.residual(
        lambda t: t.conv(6, (3, 3), stride=2).norm().activation("relu").conv(6, (3, 3), padding="circular").norm(),
        lambda t: t.conv(6, (1, 1), stride=2).norm(),
    )
    return twin.pool("max", (1, 3)).activation(last).pool("average", (2, 1), 1).linear(3)


def _weights(part, path=()):
    """Paths to the layers with weights, in the order in which torch lists its modules."""
    if isinstance(part, net.Dense | net.Convolution):
        yield path
    branches = (part.block, part.shortcut) if isinstance(part, net.Residual) else getattr(part, "parts", ())
    for i, branch in enumerate(branches, 1):
        yield from _weights(branch, (*path, i))


def _magnified(module):
    """Absolute values throughout: bounds on all partial sums and, without kinks, on products of derivatives."""
    if isinstance(module, nn.Conv2d | nn.Linear | nn.BatchNorm2d):
        larger = copy.deepcopy(module)
        larger.weight.data, larger.bias.data = module.weight.data.abs(), module.bias.data.abs()
        if isinstance(module, nn.BatchNorm2d):
            larger.running_mean = -module.running_mean.abs()
        return larger
    if isinstance(module, nn.Sequential):
        return nn.Sequential(*map(_magnified, module))
    if isinstance(module, Sum):
        return Sum(_magnified(module.block), _magnified(module.shortcut))
    if isinstance(module, nn.MaxPool2d):
        return Total(module)
    if isinstance(module, nn.GELU | nn.SiLU):
        return Straight()
    return nn.Identity() if isinstance(module, nn.ReLU) else module


def _roundings(module):
    """Roundings on the way through: one for each term of a sum, some for the rest of a layer."""
    terms = 0
    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.Linear):
            terms += part.weight[0].numel() + 2
        elif isinstance(part, nn.AvgPool2d):
            terms += int(np.prod(part.kernel_size)) + 2
        else:
            terms += 8
    return terms


def _flat(values, *shape):
    return values.detach().numpy().reshape(*shape)


def _weight_jacobian(module, name, x):
    weight = dict(module.named_parameters())[name]

    def output(w):
        return torch.func.functional_call(module, {name: w}, (x,)).flatten()

    return torch.autograd.functional.jacobian(output, weight.detach()).numpy()


def _distances_from_kinks(module, x):
    """Of the inputs of every ReLU from 0, and of the largest entry of a window from the second."""
    found = []

    def look(part, inputs, output):
        values = inputs[0]
        if isinstance(part, nn.ReLU):
            found.append(values.abs().min())
        if isinstance(part, nn.MaxPool2d):
            k, stride = ((v, v) if isinstance(v, int) else v for v in (part.kernel_size, part.stride))
            windows = values.unfold(2, k[0], stride[0]).unfold(3, k[1], stride[1]).flatten(-2)
            first, second = windows.topk(2).values.unbind(-1)
            found.append((first - second)[first != 0].min())  # a window of zeros comes out of ReLU, with slope 0

    hooks = [part.register_forward_hook(look) for part in module.modules()]
    module(x)
    for hook in hooks:
        hook.remove()
    return found


# First-order bound: in both libraries every rounding is by at most u times a partial sum of absolute values, and is
# carried on by products of absolute derivatives, or moves a derivative of gelu or silu (by at most 1, the largest
# second derivative) times what it is carried on by. The slopes of gelu and silu are at most 1.13.
def _compare(twin, rng, smooth, digits=6):
    """All derivatives of both, and the outputs; the tolerance leaves that many digits of the largest entries."""
    image = rng.standard_normal(twin.ours[0].shape_in)
    x, module, larger = torch.tensor(image)[None], twin.module, _magnified(twin.module)
    flat, network = image.ravel(), twin.network
    assert min(_distances_from_kinks(module, x), default=1) > AWAY
    sizes = []
    hooks = [
        part.register_forward_hook(lambda _, inputs, output: sizes.append(float(output.detach().max())))
        for part in larger.modules() if isinstance(part, Straight)
    ]
    bound = _flat(larger(x.abs()), -1)
    for hook in hooks:
        hook.remove()
    growth = 1.13**smooth
    relative = 4 * _roundings(module) * U * growth
    steepness = 1 + (max(sizes, default=0) * growth * smooth)
    expected = _flat(module(x), -1)
    assert (np.abs(network(flat) - expected) <= relative * bound).all()
    assert np.abs(expected).max() > 10**digits * relative * bound.max()

    jacobian = torch.autograd.functional.jacobian(module, x)
    largest = _flat(torch.autograd.functional.jacobian(larger, x.abs()), bound.size, -1)
    expected = _flat(jacobian, bound.size, -1)
    got = net.input_jacobian(network, flat)
    assert got.shape == expected.shape
    assert (np.abs(got - expected) <= relative * steepness * largest).all()
    assert np.abs(expected).max() > 10**digits * relative * steepness * largest.max()

    names = [name for name, p in module.named_parameters() if p.ndim > 1]
    paths = list(_weights(network))
    assert len(names) == len(paths) > 0
    for name, path in zip(names, paths, strict=True):
        expected, largest = (_weight_jacobian(f, name, y) for f, y in ((module, x), (larger, x.abs())))
        got = net.weight_jacobian(network, flat, path)
        assert got.shape == expected.shape, name
        assert (np.abs(got - expected) <= relative * steepness * largest).all(), name
        assert np.abs(expected).max() > 10**digits * relative * steepness * largest.max(), name


@pytest.mark.parametrize(("last", "smooth", "digits"), [("relu", 0, 7), ("gelu", 1, 3), ("silu", 1, 3)])
def test_a_residual_network_has_the_outputs_and_derivatives_that_torch_finds(last, smooth, digits, rng):
    for _ in range(2):
        twin = _residual_network(last, rng)
        assert len(list(_weights(twin.network))) == 7
        _compare(twin, rng, smooth, digits)


CONVOLUTIONS = {
    "square": (2, 3, (3, 3), (5, 6), {}),
    "oblong": (2, 2, (3, 5), (6, 7), {}),
    "pointwise": (3, 2, (1, 1), (3, 4), {}),
    "dilated": (1, 2, (3, 3), (7, 8), {"dilation": (2, 3)}),
    "groups": (4, 6, (3, 3), (4, 5), {"groups": 2}),
    "depthwise": (3, 3, (3, 1), (5, 4), {"groups": 3}),
    "groups and dilated": (4, 2, (3, 3), (6, 6), {"groups": 2, "dilation": 2}),
    "one-dimensional": (2, 3, (1, 5), (1, 9), {}),
}


@pytest.mark.parametrize("padding", ["zero", "circular", "valid", "full"])
@pytest.mark.parametrize("stride", [1, 2, (3, 1), (1, 3)], ids=str)
@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_networks_of_convolutions_have_the_derivatives_that_torch_finds(name, stride, padding, rng):
    c_in, c_out, k, n, how = CONVOLUTIONS[name]
    steps = (stride, stride) if isinstance(stride, int) else stride
    steps = tuple(min(s, size) for s, size in zip(steps, n, strict=True))
    twin = Twin((c_in, *n), rng).conv(c_out, k, stride=steps, padding=padding, **how).activation("silu")
    twin.conv(2, (1, 1)).norm().activation("silu").linear(2)
    _compare(twin, rng, smooth=2)


@pytest.mark.parametrize("padding", ["valid", "full"])
def test_even_kernels_have_the_derivatives_that_torch_finds(padding, rng):
    for k, stride, dilation in itertools.product([(2, 2), (2, 4), (4, 3)], [1, 2], [1, (1, 2)]):
        twin = Twin((2, 7, 8), rng).conv(3, k, stride=stride, dilation=dilation, padding=padding)
        _compare(twin.activation("silu").linear(2), rng, smooth=1)


@pytest.mark.parametrize("kind", ["max", "average"])
@pytest.mark.parametrize(("k", "stride"), [(3, 2), ((2, 3), (1, 2)), (2, None), (3, 1), ((1, 4), (3, 1))], ids=str)
def test_pooling_between_convolutions_has_the_derivatives_that_torch_finds(kind, k, stride, rng):
    twin = Twin((2, 6, 7), rng).conv(2, (3, 3)).pool(kind, k, stride)
    _compare(twin.activation("silu").conv(2, (1, 1)), rng, smooth=1)


# Slopes are at most 1.13 and computed from numbers of that size; an error of u x^2 in the exponent of x exp(-x^2 / 2)
# changes it by less than 2 u. PyTorch takes the sigmoid from 1, so that its silu is off by u times x.
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_derivatives_of_activations_are_those_of_torch(name, frozen, rng):
    x = np.concatenate([np.linspace(-30, 30, 241), 40 * rng.standard_normal(50), [1e-300, -1e-300, 1e8, -1e8]])
    x = x[x != 0]
    points = torch.tensor(x, requires_grad=True)
    (expected,) = torch.autograd.grad(ACTIVATIONS[name](points).sum(), points)
    got = layers.activation_derivative(frozen(x), name, slope=0.3)
    size = 1 + np.minimum(np.abs(x), 50) if name == "silu" else 1
    assert (np.abs(got - expected.numpy()) <= 8 * U * size).all()


@pytest.mark.parametrize("name", ["relu", "leaky_relu"])
def test_the_slope_at_the_kink_is_that_of_torch(name):
    point = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    (expected,) = torch.autograd.grad(ACTIVATIONS[name](point).sum(), point)
    assert layers.activation_derivative([0.0], name, slope=0.3).tolist() == expected.tolist()
