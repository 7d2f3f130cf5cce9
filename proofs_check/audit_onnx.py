"""The audit of an ONNX graph: a bound for every node, carried from the input to the output along its edges."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from proofs_check.audit import POWER_STEPS, STEPS, Audit, Layer, Settings, batch_norm_constant, norms_of, upward
from refimpl.convolution import circular_norm_bound, polyphase_kernel, strided_matrix
from refimpl.convolution._geometry import dilated, ungrouped
from refimpl.layers import activation_lipschitz
from refimpl.network._pooling import windows_of_axis
from refimpl.spectral import power_iteration, spectral_norm, spectral_norm_enclosure

# Nodes that move or drop entries, or are 1-Lipschitz entry by entry.
CONTRACTIONS = {
    "Identity", "Flatten", "Reshape", "Transpose", "Squeeze", "Unsqueeze", "Dropout", "Relu", "Tanh", "Softplus",
    "Clip", "Neg", "Abs", "Softmax",
}
# Above this many entries a convolution's matrix is not written out.
DENSE_ENTRIES = 4_000_000


class _UnboundedError(Exception):
    """There is no rule for a node."""


def load(path: Path) -> Any:
    """The model with the shapes that can be inferred."""
    try:
        import onnx
    except ImportError as missing:
        raise ValueError("an .onnx file needs the package onnx: pip install 'lipref[onnx]'") from missing
    try:
        model = onnx.load(str(path))
        onnx.checker.check_model(model)
        return onnx.shape_inference.infer_shapes(model)
    except Exception as unreadable:
        reason = " ".join(str(unreadable).split()) or type(unreadable).__name__
        raise ValueError(f"{path}: not a readable .onnx file: {reason}") from unreadable


def audit_model(model: Any, settings: Settings, done: Callable[[str], None] = lambda name: None) -> Audit:
    """Bound every node and the whole graph."""
    from onnx import helper, numpy_helper

    graph, result = model.graph, Audit(scope="the graph, from all its inputs to all its outputs")
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    shapes = {v.name: _shape(v) for v in (*graph.input, *graph.value_info, *graph.output)}
    inputs = [v.name for v in graph.input if v.name not in constants]
    # The Lipschitz constant of each tensor as a function of all inputs together.
    bounds: dict[str, float | None] = dict.fromkeys(inputs, 1.0)
    for i, node in enumerate(graph.node):
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        name = node.name or node.output[0] or f"node {i}"
        if node.op_type == "Constant":
            constants[node.output[0]] = numpy_helper.to_array(attributes["value"]) if "value" in attributes else None
            continue
        known = [constants.get(x) for x in node.input]
        if node.op_type == "Identity" and known[0] is not None:  # a weight that two nodes share
            constants[node.output[0]] = known[0]
            continue
        moving = [x for x in node.input if x in bounds]
        try:
            if not moving:
                raise _UnboundedError("an operation on constants that is not folded")
            given = [shapes.get(x) for x in node.input]
            own = _Node(node.op_type, attributes, known, given, shapes.get(node.output[0]), settings)
            layer, factor = own.bound(name)
            carried = [bounds[x] for x in moving]
            total = None if None in carried else own.combine(factor, [b for b in carried if b is not None])
        except _UnboundedError as why:
            layer, total = Layer(name, node.op_type, (), None, None, note=str(why)), None
            result.missing.append(name)
        if layer is not None:
            result.layers.append(layer)
        for output in node.output:
            bounds[output] = total
        done(name)
    ends = [bounds.get(v.name) for v in graph.output]
    # Several outputs together: the root of the sum of squares.
    if ends and None not in ends:
        result.bound = upward(math.sqrt(sum(b * b for b in ends if b is not None)), len(graph.node) + len(ends))
    return result


def _shape(value: Any) -> tuple[int, ...] | None:
    dimensions = value.type.tensor_type.shape.dim
    sizes = [d.dim_value if d.HasField("dim_value") else None for d in dimensions]
    # One input at a time: a batch of unknown size counts as 1.
    sizes = [1 if i == 0 and size is None else size for i, size in enumerate(sizes)]
    return None if None in sizes else tuple(sizes)  # type: ignore[arg-type]


class _Node:
    def __init__(
        self, op: str, attributes: dict[str, Any], known: list[Any], shapes: list[Any], out: Any, settings: Settings
    ) -> None:
        self.op, self.attributes, self.known, self.shapes, self.out = op, attributes, known, shapes, out
        self.settings = settings

    def combine(self, factor: float, carried: list[float]) -> float:
        """From the constants of the inputs to that of the output."""
        if self.op in ("Add", "Sub"):
            return factor * sum(carried)
        if self.op == "Concat":
            return math.sqrt(sum(b * b for b in carried))
        return factor * carried[0]

    def bound(self, name: str) -> tuple[Layer | None, float]:
        """The row of a node, none for one that only moves entries, and its constant."""
        method = getattr(self, f"_{self.op.lower()}", None)
        if self.op in CONTRACTIONS or self.op == "Concat":
            return None, 1.0
        if method is None:
            raise _UnboundedError(f"no rule for {self.op}")
        layer = method(name)
        return layer, layer.high

    def _row(self, name: str, low: float | None, high: float, note: str = "", **more: Any) -> Layer:
        return Layer(name, self.op, tuple(more.pop("shape", ())), low, high, note=note, **more)

    def _weight(self, place: int) -> np.ndarray:
        array = self.known[place] if place < len(self.known) else None
        if array is None or array.dtype.kind != "f" or not np.isfinite(array).all():
            raise _UnboundedError("a weight that is no finite constant")
        return np.asarray(array, dtype=np.float64)

    def _image(self) -> tuple[int, int, int]:
        shape = self.shapes[0]
        if shape is None or len(shape) not in (3, 4):
            raise _UnboundedError("the size of its input is not known")
        return (shape[1], 1, shape[2]) if len(shape) == 3 else (shape[1], shape[2], shape[3])

    def _pairs(self, key: str, default: int) -> tuple[int, int]:
        values = self.attributes.get(key) or [default] * (len(self.shapes[0]) - 2)
        return (default, int(values[0])) if len(values) == 1 else (int(values[0]), int(values[1]))

    def _pads(self) -> tuple[tuple[int, int], tuple[int, int]]:
        if self.attributes.get("auto_pad", b"NOTSET") not in (b"NOTSET", b"VALID"):
            raise _UnboundedError("automatic padding")
        pads = list(self.attributes.get("pads") or [0] * 2 * (len(self.shapes[0]) - 2))
        pads = [0, pads[0], 0, pads[1]] if len(pads) == 2 else pads
        return (pads[0], pads[2]), (pads[1], pads[3])

    # -- linear nodes ----------------------------------------------------------------------------

    def _conv(self, name: str) -> Layer:
        _, h, w = self._image()
        kernel = self._weight(1)
        kernel = kernel[:, :, None, :] if kernel.ndim == 3 else kernel
        K = ungrouped(dilated(kernel, self._pairs("dilations", 1)), int(self.attributes.get("group", 1)))
        stride, pads = self._pairs("strides", 1), self._pads()
        # Any zero padding is a part of a circular convolution on an image with that many zeros beside it.
        size = tuple(-(-(n + max(p)) // s) for n, p, s in zip((h, w), pads, stride, strict=True))
        poly = polyphase_kernel(K, stride)
        certified = self.settings.certified
        gram = {t: circular_norm_bound(poly, (size[0], size[1]), t - 1, certified=certified) for t in STEPS}
        note, high = f"stride {stride[0]}x{stride[1]}, padding {pads}", min(gram.values())
        W = self._explicit(K, (h, w), stride, pads)
        if W is None:
            return self._row(name, None, high, note, shape=kernel.shape, gram=gram)
        low, exact = spectral_norm_enclosure(W) if certified else (spectral_norm(W),) * 2
        power = power_iteration(W, POWER_STEPS, rng=self.settings.seed)
        return self._row(name, low, min(high, exact), note, shape=kernel.shape, gram=gram, power=power)

    def _explicit(self, K: np.ndarray, n: Any, stride: Any, pads: Any) -> np.ndarray | None:
        """The matrix of the convolution, where it is small: zeros around the image, then the positions inside."""
        padded = tuple(size + p[0] + p[1] for size, p in zip(n, pads, strict=True))
        area = padded[0] * padded[1]
        if K.shape[0] * K.shape[1] * area**2 > DENSE_ENTRIES * stride[0] * stride[1]:
            return None
        inside = np.zeros((K.shape[1], *padded), dtype=bool)
        inside[:, pads[0][0] : pads[0][0] + n[0], pads[1][0] : pads[1][0] + n[1]] = True
        W: np.ndarray = strided_matrix(K, padded, stride, padding="valid")[:, inside.ravel()]
        return W

    def _matrix(self, name: str, W: np.ndarray, scale: float = 1.0) -> Layer:
        low, high, gram, power = norms_of(W, self.settings)
        gram = {t: scale * bound for t, bound in gram.items()}
        return self._row(name, scale * low, scale * high, shape=W.shape, gram=gram, power=scale * power)

    def _gemm(self, name: str) -> Layer:
        W = self._weight(1)
        if self.attributes.get("transA", 0) or W.ndim != 2:
            raise _UnboundedError("a transposed input")
        scale = abs(float(self.attributes.get("alpha", 1.0)))
        return self._matrix(name, W if self.attributes.get("transB", 0) else W.T, scale)

    def _matmul(self, name: str) -> Layer:
        W = self._weight(1)
        if W.ndim != 2:
            raise _UnboundedError("a stack of matrices")
        return self._matrix(name, W.T)

    def _batchnormalization(self, name: str) -> Layer:
        if self.attributes.get("training_mode", 0):
            raise _UnboundedError("batch statistics")
        scale, variance = self._weight(1), self._weight(4)
        constant, high = batch_norm_constant(scale, variance, float(self.attributes.get("epsilon", 1e-5)))
        return self._row(name, constant, high, "at inference", shape=scale.shape)

    # -- sums, factors, activations --------------------------------------------------------------

    def _add(self, name: str) -> Layer:
        return self._row(name, None, self._broadcast(), "a sum: the constants of its terms are added")

    _sub = _add

    def _mul(self, name: str) -> Layer:
        return self._scaled(name, lambda c: np.abs(c).max())

    def _div(self, name: str) -> Layer:
        if self.known[0] is not None:
            raise _UnboundedError("a division by what moves")
        return self._scaled(name, lambda c: (1 / np.abs(c)).max())

    def _scaled(self, name: str, size: Callable[[np.ndarray], float]) -> Layer:
        places = [i for i, array in enumerate(self.known) if array is not None]
        if len(places) != 1:
            raise _UnboundedError("a product of two that move")
        constant = float(size(self._weight(places[0]))) * self._broadcast()
        if not math.isfinite(constant):
            raise _UnboundedError("a division by zero")
        return self._row(name, None, constant)

    def _broadcast(self) -> float:
        """How often an entry of an input is repeated in the output, its root."""
        moving = [shape for shape, array in zip(self.shapes, self.known, strict=True) if array is None]
        if self.out is None or None in moving:
            raise _UnboundedError("the shapes are not known")
        return math.sqrt(max(math.prod(self.out) / max(1, math.prod(shape)) for shape in moving))

    def _leakyrelu(self, name: str) -> Layer:
        constant = activation_lipschitz("leaky_relu", slope=float(self.attributes.get("alpha", 0.01)))
        return self._row(name, constant, constant)

    def _prelu(self, name: str) -> Layer:
        constant = max(1.0, float(np.abs(self._weight(1)).max()))
        return self._row(name, None, constant)

    def _sigmoid(self, name: str) -> Layer:
        return self._row(name, 0.25, 0.25)

    def _gelu(self, name: str) -> Layer:
        if self.attributes.get("approximate", b"none") != b"none":
            raise _UnboundedError("an approximation of GELU")
        constant = activation_lipschitz("gelu")
        return self._row(name, constant, math.nextafter(constant, 2))

    # -- pooling ---------------------------------------------------------------------------------

    def _windows(self) -> list[np.ndarray]:
        """For each axis, 1 where a window (row) holds a pixel (column)."""
        _, h, w = self._image()
        if self.attributes.get("ceil_mode", 0) or set(self._pairs("dilations", 1)) != {1}:
            raise _UnboundedError("windows that are rounded up or spread")
        sizes, steps = self._pairs("kernel_shape", 1), self._pairs("strides", 1)
        return [windows_of_axis(*axis) for axis in zip((h, w), sizes, steps, self._pads(), strict=True)]

    def _maxpool(self, name: str) -> Layer:
        constant = math.sqrt(math.prod(float(w.sum(axis=0).max()) for w in self._windows()))
        return self._row(name, constant, constant, "windows that share a pixel")

    def _averagepool(self, name: str) -> Layer:
        counts = self._pairs("kernel_shape", 1)
        include = self.attributes.get("count_include_pad", 0)
        windows = zip(self._windows(), counts, strict=True)
        means = [w / (k if include else w.sum(axis=1, keepdims=True)) for w, k in windows]
        constant = math.prod(spectral_norm(matrix) for matrix in means)
        return self._row(name, constant, constant * (1 + 2.0**-40))

    def _globalaveragepool(self, name: str) -> Layer:
        _, h, w = self._image()
        return self._row(name, 1 / math.sqrt(h * w), 1 / math.sqrt(h * w))

    def _reducemean(self, name: str) -> Layer:
        if self.out is None or self.shapes[0] is None:
            raise _UnboundedError("the shapes are not known")
        constant = math.sqrt(math.prod(self.out) / math.prod(self.shapes[0]))
        return self._row(name, constant, constant)
