"""The benchmarks: every row computes the same thing twice, and the command says when a row is behind or wrong."""

import csv
import time

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import array_api_strict  # noqa: E402
from click.testing import CliRunner  # noqa: E402
from threadpoolctl import threadpool_limits  # noqa: E402

from benchmarks import __main__ as command  # noqa: E402
from benchmarks import _timing, cases, peers  # noqa: E402
from benchmarks._places import HOST, Place  # noqa: E402
from benchmarks._timing import Limits  # noqa: E402
from refimpl.convolution import circular_norm_bound, conv_spectral_norm, zero_padded_norm_bound  # noqa: E402
from refimpl.simplex import sparsemax  # noqa: E402

# As a device is to the code: its arrays are none of NumPy's.
ELSEWHERE = Place("elsewhere", array_api_strict.asarray, torch.from_numpy, lambda: None, time.perf_counter)


@pytest.fixture
def briefly(monkeypatch):
    """One repeat of each row on one thread, as the command does, and no measurement of the machine."""
    monkeypatch.setattr(_timing, "SECONDS", 0.0)
    monkeypatch.setattr(_timing, "LEAST_REPEATS", 1)
    monkeypatch.setattr(command, "limits", lambda place: Limits(1e9, 1e9))
    monkeypatch.setattr(command, "device", lambda: None)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with threadpool_limits(1):
        yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("place", [HOST, ELSEWHERE], ids=lambda place: place.name)
def test_the_rows_of_a_place_agree_with_their_peers(place, briefly):
    rows = command.measured(place, ("circular, [ce]*c 16, n 32, FFT*", "dense, 512*norm"), large=False)
    assert len(rows) == 5 and {row[0] for row in rows} == {place.name}
    assert not [row for row in rows if row[command.DIFFERENCE].endswith("!")]


def _cases(ours, theirs, **rest):
    return lambda place: iter([cases.Case("tested", "1", "ours", "theirs", ours, theirs, **rest)])


def test_rows_are_written_and_a_good_run_ends_with_0(briefly, monkeypatch, tmp_path):
    monkeypatch.setattr(command, "all_cases", _cases(lambda: 1.0, lambda: sum(range(10**6)) * 0 + 1.0, flops=1.0))
    result = CliRunner().invoke(command.main, ["--out", str(tmp_path / "rows.csv")])
    assert result.exit_code == 0 and "1 rows, 0 behind a peer, 0 of another value" in result.output
    with (tmp_path / "rows.csv").open() as file:
        [row] = csv.DictReader(file)
    assert row["case"] == "tested" and 0 < float(row["median"]) < 1 and float(row["difference"]) == 0


@pytest.mark.parametrize(("ours", "said"), [
    (lambda: sum(range(10**6)) * 0 + 1.0, "1 behind a peer, 0 of another value"),
    (lambda: 1.001, "1 of another value"),
])
def test_a_row_that_is_behind_or_wrong_ends_with_1(ours, said, briefly, monkeypatch):
    monkeypatch.setattr(command, "all_cases", _cases(ours, lambda: 1.0))
    result = CliRunner().invoke(command.main, [])
    assert result.exit_code == 1 and said in result.output


def test_of_a_peer_that_does_a_part_the_time_is_multiplied(briefly):
    def wait():
        time.sleep(0.01)

    place = Place("here", np.asarray, torch.from_numpy, lambda: None, time.perf_counter)
    whole = _timing.compare(wait, wait, place).ratios[0]
    part = _timing.compare(wait, wait, place, peer_share=0.25).ratios[0]
    assert 0.5 < whole < 2 and 0.125 < part < 0.5


def test_peers_compute_what_they_are_said_to(rng):
    K = rng.standard_normal((3, 2, 3, 3))
    T = torch.from_numpy(K)
    assert peers.fourier(T, 5) == pytest.approx(conv_spectral_norm(K, 5).norm, rel=1e-13)
    assert peers.gram_circular(T, 5, 4) == pytest.approx(circular_norm_bound(K, 5, 4), rel=1e-13)
    assert peers.gram_zero_padded(T, 3) == pytest.approx(zero_padded_norm_bound(K, 3), rel=1e-13)
    assert peers.lanczos_zero_padded(T, 5) == pytest.approx(conv_spectral_norm(K, 5, padding="zero").norm, rel=1e-12)
    W = rng.standard_normal((6, 4))
    assert peers.power(torch.from_numpy(W)) == pytest.approx(np.linalg.norm(W, 2), rel=1e-7)
    z = rng.standard_normal((6, 4))
    assert np.abs(peers.sparsemax(torch.from_numpy(z)).numpy() - sparsemax(z)).max() < 1e-15
    for scores in (z, array_api_strict.asarray(z)):
        margin = cases.bernstein_grid(scores, [0.5, 2.0], 0.01)
        assert peers.bernstein_grid(torch.from_numpy(z), [0.5, 2.0], 0.01) == pytest.approx(margin, rel=1e-13)
