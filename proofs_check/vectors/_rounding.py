"""What counts as rounding, function by function, and why: roundings in a row times condition, or some ulp.

Matrices have up to 8 rows and columns, those of convolutions up to 64; a backward stable algorithm on n of them errs by
about n^2 roundings. Powers by logarithms lose what the logarithm is larger than 1: up to 416 = ln 2^600 at large and
small entries. Where a vector is worse conditioned than that, its case says by how much.
"""

from __future__ import annotations

from proofs_check.vectors._spec import Rounding

_SVD = "8 x 8 matrices and a backward stable algorithm"
_POWERS = "sums of 16 terms; powers by logarithms, of numbers up to 2^600"
_LARGE = "64 x 64 matrices and a backward stable algorithm"
_COPIES = "taps are copied, no rounding"
_LOGITS = "exponentials of logits that are this far apart"
_LINES = "a handful of sums, a root and a quotient"
_SOLVE = "8 x 8 linear systems of condition 32 at most"
_SERIES = "series for skew matrices of norm 4 at most: sums of terms up to e^4"
_CONSTANT = "a root and a quotient"
_MEANS = "eight sums, a root and a quotient; a mean that is larger than the deviation is in the condition"
_BINOMIAL = "logarithms of factorials of so many trials"

ROUNDING: dict[str, Rounding] = {
    # -- spectral
    "spectral.spectral_norm": Rounding(_SVD, 64),
    "spectral.spectral_norm_enclosure": Rounding("none: rounding counts"),
    "spectral.schatten_norm": Rounding(f"{_SVD}, powers and a root", 64, 8),
    # A threefold eigenvalue moves by the cube root of 64 roundings, 2^-15.
    "spectral.spectral_radius": Rounding("a multiple eigenvalue moves by the cube root of rounding", 64, 2.0**30),
    "spectral.gram_iteration": Rounding(_POWERS, 16, 416),
    "spectral.gram_bound_sequence": Rounding(_POWERS, 16, 416),
    "spectral.gram_iteration_naive": Rounding("products of 8 x 8 matrices", 64),
    "spectral.gram_iteration_gradient": Rounding("up to three products that double the error", 64, 8, of="largest"),
    "spectral.power_iteration": Rounding(_SVD, 64),
    "spectral.gelfand_sequence": Rounding("products of 8 x 8 matrices", 64),
    # -- convolution
    "convolution.conv2d": Rounding("sums of up to 18 taps, exact but for entries that are far apart", 18, of="largest"),
    "convolution.conv2d_transpose": Rounding("sums of up to 18 taps", 18, of="largest"),
    "convolution.conv_spectral_norm": Rounding(_LARGE, 64**2),
    "convolution.circulant_matrix": Rounding("taps are copied, those that meet are sums without rounding", ulp=0),
    "convolution.toeplitz_matrix": Rounding(_COPIES, ulp=0),
    "convolution.strided_matrix": Rounding(_COPIES, ulp=0),
    "convolution.polyphase_kernel": Rounding(_COPIES, ulp=0),
    "convolution.channel_permutation": Rounding("zeros and ones", ulp=0),
    "convolution.frequency_blocks": Rounding("sums of up to 18 taps times roots of unity", 32, of="largest"),
    "convolution.spectral_density": Rounding("sums of up to 9 taps times cosines of up to 16", 32, 16, of="largest"),
    "convolution.sampled_density_bound": Rounding(_LARGE, 64**2),
    "convolution.gram_kernel": Rounding("sums of up to 32 products", 32, of="largest"),
    "convolution.circular_norm_bound": Rounding(_POWERS, 16, 416),
    "convolution.circular_norm_bound_gradient": Rounding("up to four products that double the error", 64, 16,
                                                         of="largest"),
    "convolution.zero_padded_norm_bound": Rounding("sums of up to 300 moduli of sums that partly cancel", 300, 16),
    "convolution.strided_norm_bound": Rounding(_POWERS, 16, 416),
    "convolution.size_transfer_factor": Rounding("a quotient and a power", 16),
    "convolution.smaller_input_norm_bound": Rounding(_POWERS, 16, 416),
    "convolution.four_matrix_bound": Rounding(_LARGE, 64**2),
    "convolution.conv_power_iteration": Rounding(_LARGE, 64**2),
    # -- layers
    "layers.spectral_normalization": Rounding(_SVD, 64, of="largest"),
    "layers.aol_rescaling": Rounding("sums of 8 products that partly cancel, and a root", 64, 16),
    "layers.sll_rescaling": Rounding("sums of 8 products that partly cancel, and a root", 64, 16),
    "layers.spectral_rescaling": Rounding("up to three products of matrices that partly cancel, and a root", 64, 64),
    "layers.cayley": Rounding(_SOLVE, 64, 32, of="largest"),
    "layers.skew_exponential": Rounding(_SERIES, 64, 55, of="largest"),
    "layers.bjorck": Rounding("up to four steps of two products", 4 * 64, of="largest"),
    "layers.cayley_rectangular": Rounding("linear systems of condition 64 at most", 64, 64, of="largest"),
    "layers.reshaped_kernel_orthogonalization": Rounding(
        "a polar factor; its matrix's condition is the vector's", 64, 2, of="largest"),
    "layers.cayley_convolution": Rounding(_SOLVE, 64, 32, of="largest"),
    "layers.skew_orthogonal_convolution": Rounding(
        "squarings for skew matrices of norm 32 at most", 64, 32, of="largest"),
    "layers.block_orthogonal_convolution": Rounding("products of projections", 64, of="largest"),
    "layers.convex_potential_layer": Rounding(_SVD, 64, 4, of="largest"),
    "layers.sll_layer": Rounding("a rescaling and two products", 64, 16, of="largest"),
    "layers.sandwich_layer": Rounding("exponentials of 4 at most, systems of condition 64", 64, 64, of="largest"),
    "layers.residual_linear_block": Rounding(_SVD, 64, of="largest"),
    "layers.activation": Rounding("exponentials of squares and arguments up to 500", 16, 500),
    "layers.activation_derivative": Rounding("exponentials of squares and arguments up to 500", 16, 500),
    "layers.activation_lipschitz": Rounding("a constant, rounded", ulp=1),
    # -- network
    "network.pooling_lipschitz": Rounding(_LARGE, 64**2),
    "network.product_upper_bound": Rounding("three spectral norms of 8 x 8 matrices", 3 * 64),
    "network.input_jacobian": Rounding("three products of matrices", 32, 16, of="largest"),
    "network.weight_jacobian": Rounding("three products of matrices", 32, 16, of="largest"),
    "network.local_lipschitz_exact": Rounding("slopes of up to three layers; kinks far from the ends", 64),
    "network.identity_like": Rounding("zeros and ones", ulp=0),
    "network.truncate_or_pad": Rounding("entries are copied", ulp=0),
    # -- normalization
    **{f"normalization.{name}": Rounding(_MEANS, 16, of="largest") for name in (
        "layer_norm", "layer_norm_jacobian", "layer_norm_jacobian_norm", "rms_norm", "rms_norm_jacobian", "group_norm",
        "group_norm_jacobian", "instance_norm", "instance_norm_jacobian", "batch_norm", "batch_norm_training",
        "batch_norm_training_jacobian", "batch_norm_statistics")},
    **{f"normalization.{name}": Rounding("a sum, a root and a quotient", ulp=3) for name in (
        "layer_norm_lipschitz", "rms_norm_lipschitz", "group_norm_lipschitz", "instance_norm_lipschitz",
        "batch_norm_lipschitz", "batch_norm_training_lipschitz")},
    "normalization.batch_norm_jacobian": Rounding("a sum, a root and a quotient", ulp=3),
    # -- weierstrass and simplex
    "weierstrass.lipschitz_bounded": Rounding("pi, two roots, a product and two quotients", ulp=6),
    "weierstrass.lipschitz_smoothed": Rounding("an error function", 16),
    "weierstrass.lipschitz_smoothed_simplex": Rounding("an error function", 16),
    "weierstrass.optimal_sigma": Rounding("pi, two roots, a product and two quotients", ulp=6),
    "weierstrass.probit": Rounding("exponentials of half the square of the argument", 16),
    "weierstrass.smoothed_probit": Rounding("exponentials of half the square of the argument", 16),
    "weierstrass.smoothed_probit_gradient": Rounding("exponentials of half the square of the argument", 16),
    "weierstrass.extremal_ramp": Rounding("a difference and a product", ulp=2),
    "weierstrass.quantile_lipschitz": Rounding(
        "a root of an equation in tails, solved; squares up to 64 and rises of 2^-6", 64, 2.0**12),
    "simplex.softmax": Rounding("exponentials of scores that are this far apart", 16),
    "simplex.sparsemax": Rounding("sums of eight differences", 16, of="largest"),
    "simplex.hardmax": Rounding("one quotient", ulp=1),
    # -- confidence and certificates
    "confidence.clopper_pearson": Rounding(_BINOMIAL, 16),
    "confidence.hoeffding": Rounding("a logarithm, a root; ends of 1/64 of the mean and more", 8, 64),
    "confidence.empirical_bernstein": Rounding("logarithms, a root; ends of 1/64 of the mean and more", 8, 64),
    "confidence.bonferroni": Rounding("one quotient", ulp=1),
    "confidence.partition_classes": Rounding("integers", ulp=0),
    "confidence.exact_coverage": Rounding("sums of up to 300 products of powers", 300),
    "certificates.certify_mono": Rounding(f"{_BINOMIAL}; a quantile", 64),
    "certificates.certify_multi": Rounding(f"{_BINOMIAL}; quantiles", 64),
    "certificates.certify_partitioned": Rounding(f"{_BINOMIAL}; quantiles", 64),
    "certificates.lvm_rs": Rounding("means, variances, logarithms; quantiles that nearly meet", 64, 64),
    "certificates.radius_mono": Rounding("a quantile", 64),
    "certificates.radius_multi": Rounding("two quantiles; how near they are is the condition", 64),
    "certificates.radius_multi_lipschitz": Rounding("two roots of equations in tails, solved", 64, 2.0**12),
    "certificates.margin": Rounding("one difference", ulp=1),
    "certificates.radius_global": Rounding("a root, a difference, a product and a quotient", ulp=4),
    "certificates.radius_coordinate": Rounding("a difference, a sum and a quotient", ulp=3),
    "certificates.radius_pairwise": Rounding("a difference and a quotient", ulp=2),
    "certificates.certified_accuracy": Rounding("one quotient", ulp=1),
    # -- curvature
    "curvature.cross_entropy": Rounding(_LOGITS, 16),
    "curvature.cross_entropy_gradient": Rounding(_LOGITS, 16),
    "curvature.cross_entropy_hessian": Rounding(_LOGITS, 16, of="largest"),
    "curvature.activation_decay": Rounding(_LOGITS, 16),
    "curvature.taylor_smoothed_cross_entropy": Rounding(_LOGITS, 16),
    "curvature.smoothed_cross_entropy_bound": Rounding(f"{_LOGITS}, and of the variance", 16),
    "curvature.smoothed_cross_entropy": Rounding(f"sums of 64 terms; {_LOGITS}, and of the variance", 64),
    "curvature.smoothed_cross_entropy_gradient": Rounding(f"sums of 64 terms; {_LOGITS}, and of the variance", 64),
    "curvature.smoothed_cross_entropy_hessian": Rounding(
        f"sums of 64 terms; {_LOGITS}, and of the variance", 64, of="largest"),
    "curvature.smoothed_hessian_bound": Rounding("an error function", 16),
    "curvature.hessian_norm_bound": Rounding("products of spectral norms of 8 x 8 matrices", 3 * 64, 2),
    "curvature.loss_hessian": Rounding("products of three matrices", 64, 16, of="largest"),
    # -- generalization and explosion
    "generalization.partition_by_nearest": Rounding("integers", ulp=0),
    "generalization.cell_statistics": Rounding("sums of 16 roots", 32),
    "generalization.sampling_remainder": Rounding("logarithms and roots", 16),
    "generalization.local_lipschitz_bound": Rounding("a sum of eight products, logarithms and roots", 32),
    "generalization.optimal_transport_bound": Rounding("a sum of eight products, logarithms and roots", 32),
    "generalization.spherical_sharpness_bound": Rounding("four terms, a logarithm and a root", 16),
    "generalization.iteration_complexity": Rounding("up to twelve products and quotients", 16),
    "explosion.linear_network": Rounding("up to six layers of products and roots", 6 * 32, 64, of="largest"),
    "explosion.linear_network_jacobian": Rounding("up to six layers of products and roots", 6 * 32, 64, of="largest"),
    "explosion.linear_network_weight_jacobian": Rounding(
        "up to six layers of products and roots", 6 * 32, 64, of="largest"),
    "explosion.amplification": Rounding("up to six layers of products and roots", 6 * 32, 64),
    "explosion.jacobian_bound": Rounding("up to six spectral norms and roots", 6 * 64, 64),
}
