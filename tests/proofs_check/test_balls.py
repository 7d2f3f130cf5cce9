"""The judge, judged: balls against closed forms, and against mpmath at fifty digits."""

import mpmath
import numpy as np
import pytest
from flint import acb, arb, ctx

from proofs_check.balls import lift, network, normalization, spectral
from proofs_check.balls._dual import Dual, derivative
from proofs_check.balls._lift import adjoint, ball_array, euclidean_norm, nonnegative_root, product
from refimpl import network as reference

GOLDEN = [[1.0, 1.0], [1.0, 0.0]]
GENERIC = [[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]]
COMPLEX = [[1 + 1j, 2.0], [-1j, 0.5 - 2j]]
POINT = [0.5, -1.25, 3.0, 0.75]


@pytest.fixture(autouse=True)
def precision():
    with ctx.workprec(128), mpmath.workdps(50):
        yield


def number(value):
    """An mpmath number of at least fifty digits as a ball."""
    return arb(mpmath.nstr(value, 45)) + arb(0, 1e-40)


def assert_tight(value, expected, bits=90):
    """The ball holds the expected number, and hardly any other."""
    expected = expected if isinstance(expected, (arb, acb)) else arb(expected)
    assert value.overlaps(expected), f"{value} does not hold {expected}"
    size = max(1.0, float(abs(expected).mid()))
    assert float(value.rad() if isinstance(value, arb) else abs(value).rad()) <= 2.0**-bits * size


def inexact(W, radius):
    return np.array([[entry + arb(0, radius) for entry in row] for row in ball_array(W)], dtype=object)


# -- singular values ------------------------------------------------------------------------------


@pytest.mark.parametrize(("W", "expected"), [
    (GOLDEN, lambda: [(1 + arb(5).sqrt()) / 2, (arb(5).sqrt() - 1) / 2]),
    ([[1.0, 1.0], [0.0, 1.0]], lambda: [(1 + arb(5).sqrt()) / 2, (arb(5).sqrt() - 1) / 2]),
    ([[1.0, 1.0], [1.0, 1.0]], lambda: [arb(2), arb(0)]),
    ([[3.0, 4.0]], lambda: [arb(5)]),
    ([[3.0], [4.0]], lambda: [arb(5)]),
    ([[1.0, 2.0], [3.0, 4.0]], lambda: [(15 + arb(221).sqrt()).sqrt(), (15 - arb(221).sqrt()).sqrt()]),
    ([[-2.5]], lambda: [arb(2.5)]),
    (np.zeros((2, 3)), lambda: [arb(0), arb(0)]),
    (np.eye(4), lambda: [arb(1)] * 4),
    (np.diag([2.0, -2.0, 1.0]), lambda: [arb(2), arb(2), arb(1)]),
    (np.eye(3)[[1, 2, 0]] * 0.5, lambda: [arb(0.5)] * 3),
    ([[1.0, 1j], [1j, 1.0]], lambda: [arb(2).sqrt()] * 2),
    ([[1j]], lambda: [arb(1)]),
    ([[3.0, 4j], [0.0, 0.0]], lambda: [arb(5), arb(0)]),
    ([[1.0, 2.0], [3.0, 4j]], lambda: [(15 + arb(173).sqrt()).sqrt(), (15 - arb(173).sqrt()).sqrt()]),
    ([[2.0**-600, 0.0], [0.0, 2.0**-601]], lambda: [arb(2) ** -600, arb(2) ** -601]),
])
def test_singular_values_in_closed_form(W, expected):
    # Of a 2 x 2 matrix the squares are t/2 +- sqrt(t^2/4 - d) with t the trace of the Gram matrix, here 30,
    # and d its determinant: |4 - 6|^2 = 4 for [[1, 2], [3, 4]], |4i - 6|^2 = 52 for [[1, 2], [3, 4i]].
    values = spectral.singular_values(W)
    for value, exact in zip(values, expected(), strict=True):
        assert_tight(value, exact, bits=60)
    assert_tight(spectral.spectral_norm(W), expected()[0])


@pytest.mark.parametrize("W", [GENERIC, np.array(GENERIC).T, COMPLEX, np.array(GENERIC).T @ GENERIC])
def test_singular_values_agree_with_mpmath(W):
    matrix = mpmath.matrix(np.asarray(W).tolist())
    svd = mpmath.svd_c if np.iscomplexobj(W) else mpmath.svd_r
    expected = sorted(svd(matrix, compute_uv=False), reverse=True)
    values = spectral.singular_values(W)
    assert len(values) == len(expected)
    for value, exact in zip(values, expected, strict=True):
        assert value.overlaps(number(exact))
    assert_tight(values[0], number(expected[0]))


@pytest.mark.parametrize("W", [GOLDEN, GENERIC, np.eye(3), np.zeros((2, 2)), [[1.0, 1.0], [1.0, 1.0]]])
def test_an_inexact_matrix_has_every_norm_within_its_ball(rng, W):
    W, radius = np.array(W), 2.0**-20
    values, norm = spectral.singular_values(inexact(W, radius)), spectral.spectral_norm(inexact(W, radius))
    for _ in range(10):
        moved = W + rng.choice([-radius, 0.0, radius], W.shape)
        for wide, true in zip(values, spectral.singular_values(moved), strict=True):
            assert wide.overlaps(true)
        assert norm.overlaps(spectral.spectral_norm(moved))
    assert float(norm.rad()) <= 2 * W.size * radius


@pytest.mark.parametrize("W", [
    GOLDEN, GENERIC, np.array(GENERIC).T, COMPLEX, np.eye(3), np.diag([1.0, 1.0, 0.5]), np.zeros((2, 3)),
    [[1.0, 1.0], [1.0, 1.0]], np.diag([1.0, 1.0 - 2.0**-40]),
])
def test_the_bound_by_traces_agrees_with_the_characteristic_polynomial(W):
    by_traces, by_roots = spectral._norm_by_traces(ball_array(W)), spectral.singular_values(W)[0]
    assert_tight(by_traces, by_roots, bits=80)
    assert_tight(by_roots, by_traces, bits=80)


@pytest.mark.parametrize(("W", "expected"), [
    (np.diag([1e300, 1e-300]), arb(1e300)),
    ([[1e-300, 0.0], [0.0, 1e300]], arb(1e300)),
    ([[1e300, 1e300], [0.0, 0.0]], None),
    ([[3e-300, 4e-300]], None),
    (np.full((2, 2), 1e300), arb(1e300) * 2),
    (np.full((2, 2), 2.0**-1074), arb(2) ** -1073),
    ([[1e300 + 1e300j]], None),
])
def test_norms_of_entries_far_apart_in_size(W, expected):
    if expected is None:
        expected = euclidean_norm(ball_array(W))  # of rank one
    norm = spectral.spectral_norm(W)
    assert norm.overlaps(expected)
    assert norm.rad() <= 2.0**-80 * expected.mid()


def test_a_large_matrix_is_bounded_by_traces(rng):
    # A Hadamard matrix of side 16 times 1/4 is orthogonal: all tied, and above the side of the polynomial.
    hadamard = np.ones((1, 1))
    for _ in range(4):
        hadamard = np.block([[hadamard, hadamard], [hadamard, -hadamard]])
    assert_tight(spectral.spectral_norm(hadamard / 4), arb(1), bits=80)
    W = rng.standard_normal((13, 14))
    assert abs(float(spectral.spectral_norm(W).mid()) - np.linalg.norm(W, 2)) < 1e-12


@pytest.mark.parametrize(("W", "expected"), [
    (GOLDEN, lambda: (1 + arb(5).sqrt()) / 2),
    ([[0.0, 4.0], [1.0, 0.0]], lambda: arb(2)),
    ([[0.0, 1.0], [-1.0, 0.0]], lambda: arb(1)),
    ([[1.0, 5.0], [0.0, -3.0]], lambda: arb(3)),
    ([[2j]], lambda: arb(2)),
])
def test_the_spectral_radius_in_closed_form(W, expected):
    assert_tight(spectral.spectral_radius(W), expected(), bits=60)


def test_the_spectral_radius_of_a_nilpotent_matrix_is_zero():
    assert spectral.spectral_radius([[0.0, 1.0], [0.0, 0.0]]).contains(0)


@pytest.mark.parametrize(("norm", "expected"), [
    ("fro", lambda: arb(30).sqrt()), ("1", lambda: arb(6)), ("inf", lambda: arb(7)),
    # The sum of the singular values of a 2 x 2 matrix: its square is the trace plus 2 |det|.
    ("nuc", lambda: arb(34).sqrt()), ("2", lambda: (15 + arb(221).sqrt()).sqrt()),
    (lambda W: W[1, 1], lambda: arb(4)),
])
def test_matrix_norms_in_closed_form(norm, expected):
    assert_tight(spectral.matrix_norm([[1.0, -2.0], [-3.0, 4.0]], norm), expected(), bits=60)


def test_schatten_norms_in_closed_form():
    assert_tight(spectral.schatten_norm(GENERIC, 2.0), euclidean_norm(ball_array(GENERIC)), bits=60)
    assert_tight(spectral.schatten_norm(np.diag([2.0, -1.0]), 3.0), arb(9).root(3), bits=60)
    assert_tight(spectral.schatten_norm(np.diag([4.0, 1.0]), 0.5), arb(9), bits=60)
    assert_tight(spectral.schatten_norm(np.diag([4.0, 1.0]), float("inf")), arb(4), bits=60)


def test_gram_iteration_of_a_diagonal():
    # After t steps the entries are 2^(2^t) and 1.
    for steps in range(5):
        p = 2 ** (steps + 1)
        assert_tight(spectral.gram_iteration(np.diag([2.0, 1.0]), steps), (arb(2) ** p + 1).root(p))
    sequence = spectral.gram_bound_sequence(np.diag([2.0, 1.0]), 2)
    for steps in range(3):
        assert_tight(sequence[steps], spectral.gram_iteration_naive(np.diag([2.0, 1.0]), steps))


def test_iterations_of_powers():
    roots = spectral.gelfand_sequence([[0.0, 4.0], [1.0, 0.0]], 2, "inf")
    assert_tight(roots[0], arb(4))
    assert_tight(roots[1], arb(2))  # the square is four times the identity
    assert_tight(spectral.power_iteration(np.diag([2.0, 1.0]), 1, start=[1.0, 0.0]), arb(2))
    assert spectral.power_iteration(np.diag([2.0, 0.0]), 1, start=[0.0, 1.0]) == 0
    value, vector = spectral.dominant_eigenpair([[0.5, 0.5], [0.5, 0.5]], 3)
    assert_tight(value, arb(1))
    for entry in (*vector, *spectral.dominant_singular_vector([[1.0, 1.0]], 1)):
        assert_tight(entry, arb(0.5).sqrt())


# -- derivatives ----------------------------------------------------------------------------------


def exactly(values):
    return [mpmath.mpf(v) for v in values]


def assert_jacobian(jacobian, f, x):
    """Every entry agrees with a derivative that mpmath takes from differences."""
    x = exactly(x)
    for j in range(len(x)):
        for i in range(len(f(x))):
            slope = mpmath.diff(lambda t, i=i, j=j: f([*x[:j], t, *x[j + 1 :]])[i], x[j])
            assert abs(jacobian[i][j] - arb(mpmath.nstr(slope, 40))) < 1e-15, (i, j)


def centred(x, epsilon):
    mean = mpmath.fsum(x) / len(x)
    scale = mpmath.sqrt(mpmath.fsum((v - mean) ** 2 for v in x) / len(x) + epsilon)
    return [(v - mean) / scale for v in x]


def by_root_mean_square(x, epsilon):
    scale = mpmath.sqrt(mpmath.fsum(v * v for v in x) / len(x) + epsilon)
    return [v / scale for v in x]


@pytest.mark.parametrize(("forward", "jacobian", "f"), [
    ("layer_norm", "layer_norm_jacobian", centred), ("rms_norm", "rms_norm_jacobian", by_root_mean_square),
])
def test_normalizations_agree_with_mpmath(forward, jacobian, f):
    values = getattr(normalization, forward)(POINT, epsilon=0.25)
    for value, expected in zip(values, f(exactly(POINT), 0.25), strict=True):
        assert_tight(value, number(expected))
    assert_jacobian(getattr(normalization, jacobian)(POINT, epsilon=0.25), lambda x: f(x, 0.25), POINT)


def test_normalization_in_groups_agrees_with_mpmath():
    def f(x):
        return centred(x[:2], 0.25) + centred(x[2:], 0.25)

    for groups in (2, [[0, 1], [2, 3]]):
        assert_jacobian(normalization.group_norm_jacobian(POINT, groups, epsilon=0.25), f, POINT)
    assert_jacobian(normalization.instance_norm_jacobian(np.reshape(POINT, (2, 2)), epsilon=0.25), f, POINT)


def test_normalization_over_a_batch_agrees_with_mpmath():
    def f(x):
        columns = [centred(x[j::2], 0.25) for j in range(2)]
        return [columns[i % 2][i // 2] for i in range(len(x))]

    batch = np.array([[0.5, -1.25], [3.0, 0.75], [0.25, 1.0]])
    jacobian = normalization.batch_norm_training_jacobian(batch, epsilon=0.25)
    assert jacobian.shape == (3, 2, 3, 2)
    assert_jacobian(jacobian.reshape(6, 6), f, batch.ravel().tolist())


def test_batch_normalization_is_a_diagonal():
    jacobian = normalization.batch_norm_jacobian([3.0, 0.0], epsilon=1.0)
    assert [[float(v) for v in row] for row in jacobian] == [[0.5, 0], [0, 1]]
    assert normalization.batch_norm_lipschitz([3.0, 0.0], epsilon=1.0) == 1
    values = normalization.batch_norm([3.0, 1.0], [1.0, 1.0], [3.0, 0.0], epsilon=1.0)
    assert [float(v) for v in values] == [1, 0]


def test_constants_of_normalizations():
    assert normalization.layer_norm_lipschitz(1, epsilon=0.25) == 0
    assert normalization.layer_norm_lipschitz(2, epsilon=0.25) == 2
    assert normalization.rms_norm_lipschitz(epsilon=4.0) == 0.5
    assert normalization.group_norm_lipschitz([[0], [1, 2]], epsilon=0.25) == 2
    # Two features: epsilon / (variance + epsilon)^(3/2), here 3 / 8.
    assert_tight(normalization.layer_norm_jacobian_norm([1.0, 3.0], epsilon=3.0), arb(0.375), bits=60)


@pytest.mark.parametrize("n_iter", [0, 1, 2])
def test_the_gradient_of_gram_iteration_agrees_with_mpmath(n_iter):
    def bound(entries):
        W = mpmath.matrix(2, 3)
        for k, entry in enumerate(entries):
            W[k // 3, k % 3] = entry
        for _ in range(n_iter):
            W = W.T * W
        return [mpmath.root(mpmath.norm(W, 2) if W.cols == 1 else mpmath.mnorm(W, "f"), 2**n_iter)]

    gradient = spectral.gram_iteration_gradient(GENERIC, n_iter)
    assert gradient.shape == (2, 3)
    assert_jacobian([gradient.ravel()], bound, np.ravel(GENERIC).tolist())


def test_duals_know_the_rules():
    def f(x):
        return [(1 - x[0]) / x[1] + 2 / x[1], (x[0] * x[1]).exp(), (-x[1] + 5).sqrt(), 7]

    jacobian = derivative(f, [1.0, 4.0])
    zero, power = arb(0), arb(4).exp()
    expected = [[arb(-0.25), arb(-0.125)], [4 * power, power], [zero, arb(-0.5)], [zero, zero]]
    for row, exact in zip(jacobian, expected, strict=True):
        for value, entry in zip(row, exact, strict=True):
            assert_tight(value, entry)


# -- networks -------------------------------------------------------------------------------------

WEIGHTS = [np.array([[1.0, -2.0], [0.5, 1.0]]), np.array([[1.0, 3.0]])]


def test_a_network_of_rectifiers():
    net = network.FeedForward(WEIGHTS, biases=[np.array([0.0, 1.0]), np.array([-1.0])])
    # Rectified: max(1 - 4, 0) = 0 and 0.5 + 2 + 1 = 3.5; then 3 * 3.5 - 1.
    assert [float(v) for v in net([1.0, 2.0])] == [9.5]
    assert [[float(v) for v in row] for row in network.input_jacobian(net, [1.0, 2.0])] == [[1.5, 3]]
    first = network.weight_jacobian(net, [1.0, 2.0], 1)
    assert [[float(v) for v in row] for row in first[0]] == [[0, 0], [3, 6]]
    assert [float(v) for v in network.weight_jacobian(net, [1.0, 2.0], 2)[0, 0]] == [0, 3.5]
    assert [float(v) for v in network.Residual(network.FeedForward([np.eye(2) * 2]))([1.0, -1.0])] == [3, -1]


def test_a_network_with_normalization_agrees_with_mpmath():
    def f(x):
        rows = [x[0] - 2 * x[1], x[0] / 2 + x[1]]
        a, b = centred(rows, 0.25)
        return [mpmath.tanh(a) + 3 * mpmath.tanh(b)]

    net = network.FeedForward(WEIGHTS, ["tanh", "identity"], [network.LayerNorm(0.25), None])
    assert_tight(net([0.75, -0.5])[0], number(f(exactly([0.75, -0.5]))[0]))
    assert_jacobian(network.input_jacobian(net, [0.75, -0.5]), f, [0.75, -0.5])


@pytest.mark.parametrize("x", [[1.0, 2.0], [-0.5, 0.25], [0.0, 0.0]])
@pytest.mark.parametrize("kind", ["LayerNorm", "RMSNorm"])
def test_a_network_in_balls_holds_the_floats_of_the_reference(x, kind):
    ours, theirs = (
        module.FeedForward(WEIGHTS, normalizers=[getattr(module, kind)(0.25), None])
        for module in (network, reference)
    )
    assert abs(float(ours(x)[0]) - theirs(x)[0]) < 1e-14
    exact = np.array(network.input_jacobian(ours, x), dtype=float)
    np.testing.assert_allclose(exact, reference.input_jacobian(theirs, x), rtol=0, atol=1e-14)
    assert abs(float(network.product_upper_bound(ours)) - reference.product_upper_bound(theirs)) < 1e-12


def test_a_rectifier_of_an_undecided_ball_holds_both_branches():
    undecided = arb(0.25, 1)
    relu = network.Activation("relu")
    [value] = relu([undecided])
    assert value.contains(0) and value.contains(1.25) and value.contains(0.5)
    [moved] = relu([Dual(undecided, arb(3))])
    assert moved.value.contains(0) and moved.value.contains(1.25)
    assert moved.slope.contains(0) and moved.slope.contains(3)
    [moved] = relu([Dual(undecided, arb(-3))])
    assert moved.slope.contains(0) and moved.slope.contains(-3)


def test_a_rectifier_of_a_decided_ball_is_one_branch():
    relu, value = network.Activation("relu"), arb(3, 1)
    positive, negative, zero = relu([value, arb(-2, 1), arb(0)])
    assert positive.contains(value) and 1.99 < positive < 4.01 and negative == 0 and zero == 0
    # The derivative at the kink is taken as 0.
    at_kink, after = relu([Dual(arb(0), arb(1)), Dual(arb(1), arb(5))])
    assert at_kink.slope == 0 and after.slope == 5


def test_truncation_and_extremal_networks():
    assert [float(v) for v in network.truncate_or_pad([1.0, 2.0, 3.0], [2, 4])] == [1, 2, 0, 0]
    extremal = network.extremal_network([2, 1, 3], [2.0, 0.5])
    assert [float(v) for v in extremal([3.0, 4.0])] == [3, 0, 0]
    assert_tight(network.product_upper_bound(extremal), arb(1), bits=60)
    assert_tight(network.product_upper_bound(network.Residual(extremal)), arb(2), bits=60)


# -- lifting --------------------------------------------------------------------------------------


def test_floats_are_taken_as_they_are():
    lifted = lift({"W": np.array([[0.1]]), "z": 1j, "n": 3, "data": [0.5, ("fro", True)]})
    assert lifted["W"][0, 0] == arb(0.1) and lifted["W"][0, 0].is_exact()
    assert lifted["z"] == acb(0, 1)
    assert (lifted["n"], lifted["data"][1]) == (3, ("fro", True))
    assert lifted["data"][0] == arb(0.5)
    assert lift(np.array([1, 2])).dtype.kind == "i"
    assert [v.is_exact() for v in ball_array([1, 2])] == [True, True]


def test_products_and_adjoints_of_complex_matrices():
    W = ball_array(COMPLEX)
    assert adjoint(W)[0, 1] == acb(0, 1)
    expected = np.array(COMPLEX).conj().T @ np.array(COMPLEX)
    for value, entry in zip(product(adjoint(W), W).ravel(), expected.ravel(), strict=True):
        assert acb(value).overlaps(acb(entry.real, entry.imag))


def test_the_root_of_a_ball_around_zero_is_not_negative():
    root = nonnegative_root(arb(0, 0.25))
    assert root.contains(0) and root.contains(0.5)
    assert root.is_finite()
    assert_tight(nonnegative_root(arb(2)), arb(2).sqrt())
