"""Ready adapters: public packages under the names of refimpl, so that claims can test them.

Each module offers its functions flat: ``Implementation("proofs_check.adapters.scipy_svds")``. An adapter
translates arguments and results and computes nothing itself; where the package has no counterpart of an
argument it raises `Unsupported`.
"""

import importlib.util

# Each adapter, and the distributions that it needs beyond lipref's own dependencies.
READY = {
    "numpy_linalg": (),
    "scipy_svds": (),
    "scipy_stats": (),
    "statsmodels": ("statsmodels",),
    "torch_linalg": ("torch",),
    "torch_spectral": ("torch",),
    "torch_orthogonal": ("torch",),
    "entmax": ("torch", "entmax"),
    "deel_torchlip": ("torch", "deel-torchlip"),
    "geotorch": ("torch", "geotorch"),
    "orthogonium": ("torch", "orthogonium"),
    "art": ("adversarial-robustness-toolbox", "statsmodels"),
}
_MODULES = {"deel-torchlip": "deel.torchlip", "adversarial-robustness-toolbox": "art"}


def missing(name: str) -> str:
    """One line that says what has to be installed for this adapter; empty where nothing is missing."""
    absent = [package for package in READY[name] if not _installed(_MODULES.get(package, package))]
    return f"needs {' and '.join(absent)}: pip install {' '.join(absent)}" if absent else ""


def _installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False
