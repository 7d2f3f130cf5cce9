"""The ready adapters against the real packages: what passes, and every finding of docs/findings.md about them.

A finding is about a version: with another one installed its test is skipped, and the table has to be looked at.
"""

import importlib
import importlib.metadata
import math
import re
import tomllib
from pathlib import Path

import numpy as np
import pytest

from proofs_check import adapters, conformance
from proofs_check.claims import load
from proofs_check.implementation import Implementation
from proofs_check.run import PROFILES, run_claim

CLAIMS = load()
FINDINGS = Path(__file__).parents[2] / "docs" / "findings.md"

PASSING = {
    "numpy_linalg": ["thesis.sec-2.1-radius.normal", "thesis.eq-4.1"],
    "torch_linalg": ["thesis.sec-2.1-radius.normal", "thesis.eq-4.1", "thesis.app-D.2.4-gradient"],
    "torch_orthogonal": ["thesis.sec-2.1.3-cayley", "lipref.cayley-equation", "thesis.sec-2.1.3-SOC"],
    "geotorch": ["thesis.sec-2.1.3-cayley", "lipref.cayley-equation", "thesis.sec-2.1.3-SOC"],
    "entmax": ["thesis.alg-7", "thesis.alg-7-margin"],
    "scipy_stats": ["thesis.thm-6.1.2", "thesis.def-6.1.1"],
    "statsmodels": ["thesis.thm-6.1.2", "thesis.def-6.1.1"],
    "scipy_svds": ["than.lemma-1.largest"],
    "deel_torchlip": ["thesis.sec-2.1.3-bjorck.values"],
    "torch_spectral": [],
    "orthogonium": ["thesis.sec-2.1.3-bjorck.values"],
    "art": ["thesis.sec-6.1.2-mono"],
}
FAILING = {
    "torch_spectral": "thesis.sec-2.1.3-SN",
    "deel_torchlip": "thesis.sec-2.1.3-SN",
    "scipy_svds": "thesis.sec-3.1-limit.normal",
    "scipy_stats": "lipref.clopper-pearson",
    "statsmodels": "lipref.clopper-pearson",
    "orthogonium": "thesis.prop-3.5.1",
}


def needed(name):
    """Skip where the adapter's package is not installed."""
    if adapters.missing(name):
        pytest.skip(adapters.missing(name))
    return f"proofs_check.adapters.{name}+refimpl"


def of_version(package, version):
    found = importlib.metadata.version(package) if package in _installed() else None
    if found is None or found.split("+")[0] != version:
        pytest.skip(f"the finding is about {package} {version}, here is {found}")


def _installed():
    return {d.metadata["Name"] for d in importlib.metadata.distributions()}


def test_every_ready_adapter_is_tested():
    assert set(PASSING) == set(adapters.READY)


def test_the_extra_and_the_tests_install_what_the_adapters_need():
    project = tomllib.loads((FINDINGS.parents[1] / "pyproject.toml").read_text("utf-8"))
    needed = {package for packages in adapters.READY.values() for package in packages}
    for listed in (project["project"]["optional-dependencies"]["conformance"], project["dependency-groups"]["peers"]):
        assert needed <= {re.split("[<>=]", requirement)[0] for requirement in listed}


def test_the_page_lists_every_adapter_with_its_functions():
    page = (FINDINGS.parent / "adapters.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `proofs_check\.adapters\.(\w+)` \| ([^|]*) \|", page, re.MULTILINE))
    assert set(rows) == set(adapters.READY)
    for name, functions in rows.items():
        if not adapters.missing(name):
            code = Implementation(f"proofs_check.adapters.{name}")
            offered = [f.partition(".")[2] for f in conformance.public_functions() if code.offers(*f.split("."))]
            assert set(functions.split(", ")) == set(offered)


@pytest.mark.parametrize(("name", "id"), [(name, id) for name, ids in PASSING.items() for id in ids])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_adapters_pass_what_their_packages_do_right(name, id):
    result = run_claim(CLAIMS[id], needed(name), PROFILES["quick"], seed=0)
    assert result.good, result


@pytest.mark.parametrize(("name", "id"), FAILING.items())
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_claims_find_what_is_no_exact_value(name, id):
    result = run_claim(CLAIMS[id], needed(name), PROFILES["quick"], seed=0)
    assert result.outcome in ("not reproduced", "errored"), result
    assert result.violation is not None


def test_the_versions_of_the_findings_are_named():
    section = FINDINGS.read_text("utf-8").partition("## Public implementations")[2].partition("\n## ")[0]
    packages = re.findall(r"^\| ([a-z-]+ [\d.]+) \|", section, re.MULTILINE)
    assert {"torch 2.13.0", "scipy 1.17.1", "statsmodels 0.15.0", "deel-torchlip 1.0.5", "entmax 1.3",
            "orthogonium 0.0.4"} <= set(packages)


# -- torch -----------------------------------------------------------------------------------------


def _torch_normalized(W, dtype="float64"):
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    W = torch.tensor(W, dtype=getattr(torch, dtype))
    layer = torch.nn.Linear(W.shape[1], W.shape[0], bias=False, dtype=W.dtype)
    layer.weight.data = W
    return torch.nn.utils.parametrizations.spectral_norm(layer).eval().weight.detach().numpy()


def test_torch_divides_a_zero_weight_by_zero():
    of_version("torch", "2.13.0")
    assert np.isnan(_torch_normalized([[0.0]])).all()


def test_torch_blows_up_weights_below_its_epsilon():
    of_version("torch", "2.13.0")
    assert _torch_normalized([[1e-13]])[0, 0] > 1e60
    assert _torch_normalized([[1e-13]], "float32")[0, 0] == math.inf
    assert abs(_torch_normalized([[1e-6]])[0, 0] - 1) < 1e-12


def test_torch_estimates_from_below_and_of_the_reshaped_kernel():
    of_version("torch", "2.13.0")
    torch = pytest.importorskip("torch")
    assert np.linalg.norm(_torch_normalized(np.diag([1.0, 0.99])), 2) > 1 + 1e-4
    convolution = torch.nn.Conv2d(1, 1, (1, 3), padding="same", bias=False, dtype=torch.float64)
    convolution.weight.data[:] = 1
    convolution = torch.nn.utils.parametrizations.spectral_norm(convolution).eval()
    ones = convolution(torch.ones(1, 1, 1, 9, dtype=torch.float64)).detach().numpy()
    assert abs(ones.max() - math.sqrt(3)) < 1e-12


def test_torch_eigenvalues_lose_nan():
    of_version("torch", "2.13.0")
    torch = pytest.importorskip("torch")
    if not torch.backends.mkl.is_available():
        pytest.skip("torch without MKL")
    W = torch.tensor([[1, math.nan], [0, 1]], dtype=torch.float64)
    assert torch.linalg.eigvals(W).tolist() == [1, 1]
    with pytest.raises(torch.linalg.LinAlgError):
        torch.linalg.svdvals(W)


# -- scipy -----------------------------------------------------------------------------------------


def _svds(W, solver):
    from scipy.sparse.linalg import svds

    start = np.random.default_rng(0)
    return svds(np.asarray(W), k=1, solver=solver, return_singular_vectors=False, rng=start)


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::RuntimeWarning")
def test_scipy_lobpcg_loses_what_squares_out_of_range():
    of_version("scipy", "1.17.1")
    W = np.diag([2.0, 1.0, 1.0])
    assert _svds(1e-200 * W, "lobpcg")[0] == pytest.approx(1e-200)
    assert _svds(1e200 * W, "lobpcg").size == 0
    assert _svds(1e-200 * W, "propack")[0] == pytest.approx(2e-200)
    larger = np.diag([2.0] + [1.0] * 9)    # for the small one SciPy warns that it takes a dense solver
    assert _svds(1e-200 * larger, "lobpcg")[0] < 1.01e-200
    assert 1e-9 < 1 - _svds(1e-160 * W, "arpack")[0] / 2e-160 < 1e-7


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_scipy_svds_refuses_what_its_documentation_allows():
    of_version("scipy", "1.17.1")
    with pytest.raises(TypeError, match="Cannot use scipy"):
        _svds([[1j, 0], [0, 0.5]], "arpack")
    with pytest.raises(np.linalg.LinAlgError, match="did not converge"):
        _svds(np.eye(3), "propack")


# -- statsmodels, entmax, deel-torchlip ------------------------------------------------------------


def test_statsmodels_lower_end_is_nan_for_a_tiny_risk():
    pytest.importorskip("statsmodels")
    of_version("statsmodels", "0.15.0")
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(9, 10, 1e-300, method="beta")
    assert np.isnan(low) and high == 1


def test_entmax_by_bisection_is_nan_for_large_scores():
    entmax = pytest.importorskip("entmax")
    of_version("entmax", "1.3")
    import torch

    scores = torch.tensor([1e16, 1e16 - 2, 0.0], dtype=torch.float64)
    assert torch.isnan(entmax.sparsemax_bisect(scores, dim=0)).all()
    assert entmax.sparsemax(scores, dim=0).tolist() == [1.0, 0.0, 0.0]


def test_a_convolution_of_deel_torchlip_expands_with_reflected_borders():
    lip = pytest.importorskip("deel.torchlip")
    of_version("deel-torchlip", "1.0.5")
    import torch

    torch.manual_seed(0)
    layer = lip.SpectralConv2d(1, 1, 3, padding=1, padding_mode="reflect", bias=False)
    corners = torch.zeros(1, 1, 3, 3)
    corners[..., ::2, ::2] = 1
    layer.parametrizations.weight.original.data.copy_(corners)
    for _ in range(20):
        layer.weight  # noqa: B018
    layer.eval()
    image = torch.zeros(1, 1, 3, 3)
    image[0, 0, 1, 1] = 1
    moved = torch.linalg.vector_norm(layer(image) - layer(0 * image)).item()
    assert moved == pytest.approx(4 / 3, rel=1e-4)


def test_normalizers_of_deel_torchlip_are_approximate():
    normalizers = pytest.importorskip("deel.torchlip.normalizers")
    of_version("deel-torchlip", "1.0.5")
    import torch

    assert normalizers.spectral_normalization(torch.tensor([[1e-3]]))[0].item() == pytest.approx(0.5)
    start, W = torch.tensor([[0.1, 1.0]]), torch.diag(torch.tensor([1.0, 0.95]))
    assert torch.linalg.matrix_norm(normalizers.spectral_normalization(W, start)[0], 2) > 1.01
    assert normalizers.bjorck_normalization(torch.tensor([[0.5]]), maxiter=0).item() == 0.6875


# -- orthogonium -----------------------------------------------------------------------------------


@pytest.fixture
def sigma():
    """`get_conv_sv` of a kernel."""
    pytest.importorskip("orthogonium")
    of_version("orthogonium", "0.0.4")
    import torch
    from orthogonium.layers.conv.singular_values.get_sv import get_conv_sv

    def sigma(kernel, padding, n=None, n_iter=3, groups=1):
        weight = torch.tensor(kernel, dtype=torch.float64)
        channels = weight.shape[1] * groups, weight.shape[0]
        layer = torch.nn.Conv2d(
            *channels, weight.shape[2:], groups=groups, bias=False, padding_mode=padding, dtype=torch.float64
        )
        layer.weight.data = weight
        return float(get_conv_sv(layer, n_iter, return_stab_rank=False, imsize=n))

    return sigma


def test_orthogonium_multiplies_the_norms_of_groups(sigma):
    halves = np.zeros((2, 1, 3, 3))
    halves[:, :, 1, 1] = 0.5
    assert sigma(halves, "zeros", groups=2) == 0.25
    assert sigma(halves, "circular", 5, groups=2) == pytest.approx(0.25)


def test_orthogonium_cuts_columns_off_and_crops_to_the_image(sigma):
    assert sigma(np.ones((1, 1, 3, 1)), "zeros") == pytest.approx(math.sqrt(3))
    assert sigma(np.ones((1, 1, 1, 3)), "zeros") == pytest.approx(3)
    assert sigma(np.ones((1, 1, 3, 3)), "circular", 1, n_iter=0) == 1


def test_orthogonium_divides_by_a_frequency_that_vanishes(sigma):
    assert math.isnan(sigma([[[[1, -1]]]], "circular", 4))


def test_orthogonium_rescales_by_parameters_that_cancel():
    aol = pytest.importorskip("orthogonium.layers.conv.AOL.aol")
    of_version("orthogonium", "0.0.4")
    import torch

    K = torch.tensor([[2.0, 1], [0, 3]]).reshape(2, 2, 1, 1)
    for name in ("AOLReparametrizer", "MultiStepAOLReparametrizer"):
        module = getattr(aol, name)(2, 1)
        before = module(K)
        module.q.data = torch.tensor([1.0, -1]).reshape(2, 1, 1, 1)
        torch.testing.assert_close(module(K), before)
