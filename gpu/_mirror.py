"""Which topics are mirrored, and which of their functions are not, and why."""

TOPICS = ("spectral", "convolution", "layers", "simplex")

_NO_ARRAY = "takes no array: nothing says where the result should be, and it is made of the host's numbers"

NOT_MIRRORED: dict[str, str] = {
    "convolution.BlockDiagonalization": "the type of a result that is not mirrored",
    "convolution.block_diagonalization": "five explicit factors, each as large as the matrix: to read, not to compute",
    "convolution.channel_permutation": _NO_ARRAY,
    "convolution.dft_matrix": _NO_ARRAY,
}
