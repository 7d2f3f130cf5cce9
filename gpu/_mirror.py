"""Which topics are mirrored, and which of their functions are not, and why."""

TOPICS = ("spectral", "convolution", "layers", "simplex", "weierstrass", "confidence", "network")

_NO_ARRAY = "takes no array: nothing says where the result should be, and it is made of the host's numbers"
_NUMBER = "one number from a few others: the host has it sooner than a device can be asked"

NOT_MIRRORED: dict[str, str] = {
    "convolution.BlockDiagonalization": "the type of a result that is not mirrored",
    "convolution.block_diagonalization": "five explicit factors, each as large as the matrix: to read, not to compute",
    "convolution.channel_permutation": _NO_ARRAY,
    "convolution.dft_matrix": _NO_ARRAY,
    "confidence.Coverage": "the type of a result that is not mirrored",
    "confidence.Partition": "the type of a result that is not mirrored",
    "confidence.bonferroni": _NUMBER,
    "confidence.exact_coverage": "a sum in integers without end of digits, which devices do not have",
    "confidence.simulated_coverage": "calls a function of one tuple of counts at a time",
    "confidence.partition_classes": "its result is a list of classes in Python, from one short vector",
    "network.extremal_network": _NO_ARRAY,
    "network.identity_like": _NO_ARRAY,
    "network.local_lipschitz_exact": "one small linear program after another, which no device has",
    "weierstrass.lipschitz_bounded": _NUMBER,
    "weierstrass.lipschitz_smoothed": _NUMBER,
    "weierstrass.lipschitz_smoothed_simplex": _NUMBER,
    "weierstrass.optimal_sigma": _NUMBER,
    "weierstrass.quantile_lipschitz": "a search for a root in the tail for each number, with branches at every step",
    "weierstrass.smoothed_probit": "exact sums of fractions, which devices do not have; one product of two vectors",
    "weierstrass.smoothed_probit_gradient": "exact sums of fractions, which devices do not have",
}
