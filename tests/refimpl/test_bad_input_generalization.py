"""One table: a bad call of generalization, and the whole message: argument, need, value."""

# ruff: noqa: E501
import pytest

from refimpl import generalization

NAMES = {name: getattr(generalization, name) for name in generalization.__all__}
NAMES |= {"nan": float("nan"), "inf": float("inf")}

TABLE = [
    ("partition_by_nearest([1.0], [[1.0]])", "points must be a matrix (two dimensions), got shape (1,)"),
    ("partition_by_nearest([[1.0]], [[1.0, 2.0]])", "centres must have 1 columns, as the points have, got shape (1, 2)"),
    ("partition_by_nearest([[1.0]], [[nan]])", "centres must be a matrix of finite numbers, got nan at index (0, 0)"),
    ("partition_by_nearest([[1j]], [[1.0]])", "points must be a real matrix, got dtype complex128"),
    ("partition_by_nearest([], [[1.0]])", "points must be a matrix with at least one entry, got shape (0,)"),
    ('partition_by_nearest([["a"]], [[1.0]])', "points must be a matrix of real or complex numbers, got dtype <U1"),
    ("cell_statistics([0.0, 1.0], [0, 1], [0, 0], [1, 1], [1, 0], 1)", "points must be a matrix (two dimensions), got shape (2,)"),
    ("cell_statistics([[0.0], [1.0]], [0, 1, 2], [0, 0], [1, 1], [1, 0], 1)", "losses must be a vector of 2 entries, got 3 entries"),
    ("cell_statistics([[0.0], [1.0]], [0, inf], [0, 0], [1, 1], [1, 0], 1)", "losses must be a vector of finite numbers, got inf at index (1,)"),
    ("cell_statistics([[0.0], [1.0]], [0, 1], [0], [1, 1], [1, 0], 1)", "cells must be a vector of 2 entries, got 1 entries"),
    ("cell_statistics([[0.0], [1.0]], [0, 1], [0, 1], [1, 1], [1, 0], 1)", "cells must lie below n_cells = 1, got 1"),
    ("cell_statistics([[0.0], [1.0]], [0, 1], [0, 0.5], [1, 1], [1, 0], 1)", "cells must be integers of at least 0, got 0.5"),
    ("cell_statistics([[0.0], [1.0]], [0, 1], [0, -1], [1, 1], [1, 0], 1)", "cells must be integers of at least 0, got -1"),
    ("cell_statistics([[0.0], [1.0]], [0, 1], [0, 0], [1, -1], [1, 0], 1)", "probabilities must be of numbers of at least 0, got -1.0"),
    ("cell_statistics([[0.0], [1.0]], [0, 1], [0, 0], [0, 0], [1, 0], 1)", "probabilities must be positive somewhere in a cell with samples, got none in cell 0"),
    ("cell_statistics([[0.0], [1.0]], [0, 1], [0, 0], [1, 1], [1.5, 0], 1)", "counts must be integers of at least 0, got 1.5"),
    ("cell_statistics([[0.0], [1.0]], [0, 1], [0, 0], [1, 1], [-1, 0], 1)", "counts must be integers of at least 0, got -1"),
    ("cell_statistics([[0.0], [1.0]], [0, 1], [0, 0], [1, 1], [1, 0], 0)", "n_cells must be an integer of at least 1, got 0"),
    ("cell_statistics([[0.0], [1.0]], [0, 1], [0, 0], [1, 1], [1, 0], 1.0)", "n_cells must be an integer of at least 1, got 1.0"),
    ("cell_statistics([[1.0], [1.0]], [0, 1], [0, 0], [1, 1], [1, 0], 1)", "points must be at distances that floats resolve, got two at distance 0 in cell 0"),
    ("cell_statistics([[1.0], [1e-200], [2e-200]], [0, 1, 2], [0, 0, 0], [1, 1, 1], [1, 0, 0], 1)", "points must be at distances that floats resolve, got two at distance 0 in cell 0"),
    ("sampling_remainder([0, 0], 0.5, 1.0)", "counts must sum to 1 to 2^53 samples, got 0"),
    ("sampling_remainder([1, -1], 0.5, 1.0)", "counts must be integers of at least 0, got -1"),
    ("sampling_remainder([1, 0.5], 0.5, 1.0)", "counts must be integers of at least 0, got 0.5"),
    ("sampling_remainder([1e16], 0.5, 1.0)", "counts must sum to 1 to 2^53 samples, got 1e+16"),
    ("sampling_remainder([[1]], 0.5, 1.0)", "counts must be a vector (one dimension), got shape (1, 1)"),
    ("sampling_remainder([], 0.5, 1.0)", "counts must be a vector with at least one entry, got shape (0,)"),
    ("sampling_remainder([1], 0.0, 1.0)", "delta must be a finite number above 0, got 0.0"),
    ("sampling_remainder([1], 1.0, 1.0)", "delta must lie in (0, 1), got 1.0"),
    ("sampling_remainder([1], nan, 1.0)", "delta must be a finite number above 0, got nan"),
    ("sampling_remainder([1], True, 1.0)", "delta must be a finite number above 0, got True"),
    ("sampling_remainder([1], 0.5, -1.0)", "largest_loss must be a finite number of at least 0, got -1.0"),
    ("sampling_remainder([1], 0.5, inf)", "largest_loss must be a finite number of at least 0, got inf"),
    ("sampling_remainder([1], 0.5, None)", "largest_loss must be a finite number of at least 0, got None"),
    ('sampling_remainder([1], 0.5, 1.0, form="sharp")', "form must be one of 'printed', 'chernoff', 'differences', got 'sharp'"),
    ("sampling_remainder([1], 0.5, 1.0, form=None)", "form must be one of 'printed', 'chernoff', 'differences', got None"),
    ("local_lipschitz_bound(nan, [1], 1.0, 1.0, 0.5, 1.0)", "empirical_loss must be a finite number, got nan"),
    ("local_lipschitz_bound(0.0, [1, 2], [1.0], 1.0, 0.5, 1.0)", "distances must be a vector of 2 entries, got 1 entries"),
    ("local_lipschitz_bound(0.0, [1, 2], [1.0, -1.0], 1.0, 0.5, 1.0)", "distances must be of numbers of at least 0, got -1.0"),
    ("local_lipschitz_bound(0.0, [1, 2], -1.0, 1.0, 0.5, 1.0)", "distances must be of numbers of at least 0, got -1.0"),
    ("local_lipschitz_bound(0.0, [1, 2], 1.0, [1.0, inf], 0.5, 1.0)", "lipschitz must be a vector of finite numbers, got inf at index (1,)"),
    ("local_lipschitz_bound(0.0, [1, 2], 1.0, [[1.0, 1.0]], 0.5, 1.0)", "lipschitz must be a vector (one dimension), got shape (1, 2)"),
    ('local_lipschitz_bound(0.0, [1, 2], 1.0, 1.0, 0.5, 1.0, form="")', "form must be one of 'printed', 'chernoff', 'differences', got ''"),
    ('optimal_transport_bound("0", [1], 1.0, 1.0, 0.5, constant=0.0)', "empirical_loss must be a finite number, got '0'"),
    ("optimal_transport_bound(0.0, [1], 1.0, 1.0, 2.0, constant=0.0)", "delta must lie in (0, 1), got 2.0"),
    ("optimal_transport_bound(0.0, [1], 1.0, -1.0, 0.5, constant=0.0)", "lipschitz must be of numbers of at least 0, got -1.0"),
    ("optimal_transport_bound(0.0, [1], 1.0, 1.0, 0.5, constant=nan)", "constant must be a finite number, got nan"),
    ("optimal_transport_bound(0.0, [1], 1.0, 1.0, 0.5, constant=None)", "constant must be a finite number, got None"),
    ("spherical_sharpness_bound(0.0, -1.0, 0.5, 10, log_constant=1.0, constant=0.0)", "sharpness must be a finite number of at least 0, got -1.0"),
    ("spherical_sharpness_bound(0.0, 1.0, 0.0, 10, log_constant=1.0, constant=0.0)", "mu must be a finite number above 0, got 0.0"),
    ("spherical_sharpness_bound(0.0, 1.0, 0.5, 0, log_constant=1.0, constant=0.0)", "m must be an integer of at least 1, got 0"),
    ("spherical_sharpness_bound(0.0, 1.0, 0.5, 10.0, log_constant=1.0, constant=0.0)", "m must be an integer of at least 1, got 10.0"),
    ("spherical_sharpness_bound(0.0, 1.0, 0.5, 10, log_constant=-1.0, constant=0.0)", "log_constant must be a finite number of at least 0, got -1.0"),
    ("spherical_sharpness_bound(0.0, 1.0, 0.5, 10, log_constant=1.0, constant=inf)", "constant must be a finite number, got inf"),
    ("iteration_complexity([2.0, 0.0], 0.5, 1)", "scales must be of numbers above 0, got 0.0"),
    ("iteration_complexity([[2.0, 1.0]], 0.5, 1)", "scales must be a vector (one dimension), got shape (1, 2)"),
    ("iteration_complexity([2.0, 1.0], 0.0, 1)", "alpha must be a finite number above 0, got 0.0"),
    ("iteration_complexity([2.0, 1.0], 0.5, 0)", "layer must be an integer of at least 1, got 0"),
    ("iteration_complexity([2.0, 1.0], 0.5, 2)", "layer must be below the number of layers, 2, got 2"),
    ("iteration_complexity([2.0], 0.5, 1)", "layer must be below the number of layers, 1, got 1"),
    ("iteration_complexity([2.0, 1.0], 0.5, 1, power=3)", "power must be 1 or 2, got 3"),
    ("iteration_complexity([2.0, 1.0], 0.5, 1, power=0)", "power must be an integer of at least 1, got 0"),
    ("iteration_complexity([2.0, 1.0], 0.5, 1, deviation=0.0)", "deviation must be a finite number above 0, got 0.0"),
    ("iteration_complexity([2.0, 1.0], 0.5, 1, deviation=nan)", "deviation must be a finite number above 0, got nan"),
]

# Correct arguments, but a result that floats do not hold.
BEYOND = [
    ("sampling_remainder([1], 1e-300, 1e308)", "the remainder leaves the range of floats: scale the arguments down"),
    ("local_lipschitz_bound(0.0, [1], 1e200, 1e200, 0.5, 1.0)", "the bound leaves the range of floats: scale the arguments down"),
    ("optimal_transport_bound(0.0, [1], 1e200, 1e200, 0.5, constant=0.0)", "the bound leaves the range of floats: scale the arguments down"),
    ("spherical_sharpness_bound(0.0, 1e300, 1e10, 10, log_constant=1.0, constant=0.0)", "the bound leaves the range of floats: scale the arguments down"),
    ("spherical_sharpness_bound(0.0, 1.0, 1e-320, 10, log_constant=1.0, constant=0.0)", "the bound leaves the range of floats: scale the arguments down"),
    ("iteration_complexity([1.0, 1e200, 1e200], 1.0, 1)", "the order leaves the range of floats: scale the arguments down"),
    ("iteration_complexity([1.0, 1.0], 1e-200, 1, power=2)", "the order leaves the range of floats: scale the arguments down"),
    ("iteration_complexity([1.0, 1.0], 1.0, 1, deviation=1e-200)", "the order leaves the range of floats: scale the arguments down"),
    ("cell_statistics([[-1.7e308], [1.7e308]], [0, 1], [0, 0], [1, 1], [1, 0], 1)", "a distance leaves the range of floats: scale the arguments down"),
    ("cell_statistics([[0.0], [1e-300]], [0, 1e300], [0, 0], [1, 1], [1, 0], 1)", "a statistic leaves the range of floats: scale the arguments down"),
]


@pytest.mark.parametrize(("call", "message"), TABLE, ids=[call for call, _ in TABLE])
def test_bad_input_is_named_in_the_message(call, message):
    with pytest.raises(ValueError) as raised:
        eval(call, dict(NAMES))
    assert str(raised.value) == message


@pytest.mark.parametrize(("call", "message"), BEYOND, ids=[call for call, _ in BEYOND])
def test_what_floats_do_not_hold_is_an_error(call, message):
    with pytest.raises(OverflowError) as raised:
        eval(call, dict(NAMES))
    assert str(raised.value) == message


def test_every_public_function_has_a_line_in_the_table():
    calls = " " + " ".join(call for call, _ in TABLE)
    assert {name for name in generalization.__all__ if name != "Cells" and f" {name}(" not in calls} == set()
