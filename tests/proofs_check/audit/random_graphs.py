"""Random graphs of covered operators, and the largest slope that ONNX's reference evaluator shows at random points."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

OPSET = 22
STEP = 2.0**-20


class Builder:
    """Grows a graph node by node; every tensor keeps its shape."""

    def __init__(self, rng):
        self.rng, self.nodes, self.constants, self.shapes = rng, [], {}, {}

    def pick(self, ranks=range(7)):
        """A tensor of one of these ranks, None if there is none."""
        names = [name for name, shape in self.shapes.items() if len(shape) in ranks]
        return names[int(self.rng.integers(len(names)))] if names else None

    def number(self, array):
        name = f"c{len(self.constants)}"
        self.constants[name] = np.asarray(array)
        return name

    def normal(self, *shape):
        return self.number(self.rng.integers(-8, 9, shape) / 4.0)

    def add(self, op, inputs, shape, outputs=1, **attributes):
        names = [f"t{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(op, inputs, names, **attributes))
        self.shapes[names[0]] = tuple(int(n) for n in shape)
        return names[0]


# Erf and Gelu are left out: the evaluator computes them in single precision, whatever the type of the input.
UNARY = ["Relu", "Tanh", "Sigmoid", "Softplus", "Softsign", "Neg", "Abs", "Sin", "Cos", "Elu", "Selu", "HardSwish",
         "LeakyRelu", "HardSigmoid", "Celu", "Mish", "Atan", "Identity"]
ATTRIBUTES = {"Elu": {"alpha": 1.5}, "LeakyRelu": {"alpha": -1.25}, "HardSigmoid": {"alpha": 0.5}}


def _unary(b):
    op, x = str(b.rng.choice(UNARY)), b.pick()
    b.add(op, [x], b.shapes[x], **ATTRIBUTES.get(op, {}))


def _softmax(b):
    x = b.pick(range(1, 5))
    b.add(str(b.rng.choice(["Softmax", "LogSoftmax"])), [x], b.shapes[x], axis=int(b.rng.integers(len(b.shapes[x]))))


def _binary(b):
    x, y = b.pick(), b.pick()
    if b.rng.random() < 0.4:
        shape = [n if b.rng.random() < 0.6 else 1 for n in b.shapes[x]]
        y = b.normal(*shape[int(b.rng.integers(len(shape) + 1)):])
        other = b.constants[y].shape
    else:
        other = b.shapes[y]
    try:
        shape = np.broadcast_shapes(b.shapes[x], other)
    except ValueError:
        return
    if np.prod(shape) > 200:
        return
    ops = ["Add", "Sub", "Max", "Min", "Sum", "Mean"] + (["Mul"] if y in b.constants else [])
    b.add(str(b.rng.choice(ops)), [x, y] if b.rng.random() < 0.5 else [y, x], shape)


def _gate(b):
    x = b.pick()
    s = b.add(str(b.rng.choice(["Sigmoid", "Tanh", "HardSigmoid"])), [x], b.shapes[x])
    b.add("Mul", [x, s] if b.rng.random() < 0.5 else [s, x], b.shapes[x])


def _gemm(b):
    x = b.pick((2,))
    if x is None:
        return
    rows, columns = b.shapes[x]
    transposed, width = bool(b.rng.integers(2)), int(b.rng.integers(1, 5))
    flipped = bool(b.rng.integers(2))
    if flipped:
        rows, columns = columns, rows
    W = b.normal(*((width, columns) if transposed else (columns, width)))
    added = b.pick((2,))
    c = added if added and b.shapes[added] in ((rows, width), (1, width), (rows, 1)) else b.normal(width)
    b.add("Gemm", [x, W, c], (rows, width), transA=int(flipped), transB=int(transposed),
          alpha=float(b.rng.integers(-2, 3)) / 2, beta=float(b.rng.integers(-4, 5)) / 2)


def _matmul(b):
    x = b.pick(range(2, 5))
    if x is None:
        return
    shape, width = b.shapes[x], int(b.rng.integers(1, 4))
    if b.rng.random() < 0.5:
        b.add("MatMul", [x, b.normal(shape[-1], width)], (*shape[:-1], width))
    else:
        b.add("MatMul", [b.normal(width, shape[-2]), x], (*shape[:-2], width, shape[-1]))


def _conv(b):
    x = b.pick((3, 4))
    if x is None:
        return
    n, c, *image = b.shapes[x]
    groups = c if b.rng.random() < 0.3 else 1
    rank = len(image)
    size = [int(b.rng.integers(1, min(3, s) + 1)) for s in image]
    stride = [int(b.rng.integers(1, 3)) for _ in image]
    pads = [int(b.rng.integers(0, k)) for k in (*size, *size)]
    dilation = [int(b.rng.integers(1, 3)) if (k - 1) * 2 < s else 1 for k, s in zip(size, image, strict=True)]
    width = groups * int(b.rng.integers(1, 3))
    out = [(s + pads[i] + pads[i + rank] - d * (k - 1) - 1) // t + 1
           for i, (s, k, d, t) in enumerate(zip(image, size, dilation, stride, strict=True))]
    if min(out) < 1:
        return
    inputs = [x, b.normal(width, c // groups, *size)] + ([b.normal(width)] if b.rng.random() < 0.5 else [])
    b.add("Conv", inputs, (n, width, *out), strides=stride, pads=pads, dilations=dilation, group=groups)


def _pool(b):
    x = b.pick((3, 4))
    if x is None:
        return
    n, c, *image = b.shapes[x]
    rank = len(image)
    size = [int(b.rng.integers(1, min(3, s) + 1)) for s in image]
    stride = [int(b.rng.integers(1, 3)) for _ in image]
    pads = [int(b.rng.integers(0, (k + 1) // 2)) for k in (*size, *size)]
    out = [(s + pads[i] + pads[i + rank] - k) // t + 1
           for i, (s, k, t) in enumerate(zip(image, size, stride, strict=True))]
    if min(out) < 1:
        return
    # GlobalMaxPool only for two axes: for one the evaluator takes the maximum over the channels too.
    op = str(b.rng.choice(["MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool"][: 3 + (rank == 2)]))
    if op.startswith("Global"):
        b.add(op, [x], (n, c, *(1,) * rank))
    else:
        b.add(op, [x], (n, c, *out), kernel_shape=size, strides=stride, pads=pads)


def _normalize(b):
    x = b.pick(range(2, 5))
    if x is None:
        return
    shape = b.shapes[x]
    channels = shape[1]
    op = str(b.rng.choice(["BatchNormalization", "LayerNormalization", "InstanceNormalization"]))
    epsilon = float(b.rng.choice([0.5, 0.01]))
    if op == "LayerNormalization":
        axis = int(b.rng.integers(1, len(shape)))
        b.add(op, [x, b.normal(*shape[axis:]), b.normal(*shape[axis:])], shape, axis=axis, epsilon=epsilon)
    elif op == "InstanceNormalization":
        if len(shape) > 2:
            b.add(op, [x, b.normal(channels), b.normal(channels)], shape, epsilon=epsilon)
    else:
        variance = b.number(b.rng.integers(0, 9, channels) / 4.0)
        b.add(op, [x, b.normal(channels), b.normal(channels), b.normal(channels), variance], shape, epsilon=epsilon)


MOVES = ["Transpose", "Flatten", "Reshape", "Concat", "Slice", "Gather", "Pad", "Expand", "Tile", "Clip"]
REDUCTIONS = ["ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceL2", "ReduceL1", "ReduceLogSumExp"]


def _move(b):
    x = b.pick(range(1, 5))
    shape = b.shapes[x]
    rank = len(shape)
    op = str(b.rng.choice(MOVES))
    if op == "Transpose":
        order = [int(i) for i in b.rng.permutation(rank)]
        b.add(op, [x], [shape[i] for i in order], perm=order)
    elif op == "Flatten":
        axis = int(b.rng.integers(rank + 1))
        b.add(op, [x], (int(np.prod(shape[:axis])), int(np.prod(shape[axis:]))), axis=axis)
    elif op == "Reshape":
        b.add(op, [x, b.number(np.array([-1, 1]))], (int(np.prod(shape)), 1))
    elif op == "Concat":
        axis, y = int(b.rng.integers(rank)), b.pick((rank,))
        other = b.shapes[y]
        if all(s == t for i, (s, t) in enumerate(zip(shape, other, strict=True)) if i != axis):
            b.add(op, [x, y], [*shape[:axis], shape[axis] + other[axis], *shape[axis + 1 :]], axis=axis)
    elif op == "Slice":
        axis = int(b.rng.integers(rank))
        low = int(b.rng.integers(shape[axis]))
        inputs = [x, *(b.number(np.array([n])) for n in (low, shape[axis], axis))]
        b.add(op, inputs, [*shape[:axis], shape[axis] - low, *shape[axis + 1 :]])
    elif op == "Gather":
        axis = int(b.rng.integers(rank))
        places = b.rng.integers(-shape[axis], shape[axis], int(b.rng.integers(1, 5)))
        b.add(op, [x, b.number(places)], [*shape[:axis], len(places), *shape[axis + 1 :]], axis=axis)
    elif op == "Pad":
        pads = b.rng.integers(0, 2, 2 * rank)
        mode = str(b.rng.choice(["constant", "edge", "wrap"]))
        out = [n + pads[i] + pads[i + rank] for i, n in enumerate(shape)]
        if np.prod(out) < 200:
            b.add(op, [x, b.number(pads)], out, mode=mode)
    elif op in ("Expand", "Tile"):
        times = b.rng.integers(1, 3, rank)
        wanted = np.where(np.array(shape) == 1, times, shape) if op == "Expand" else times
        out = wanted if op == "Expand" else np.array(shape) * times
        if np.prod(out) < 200:
            b.add(op, [x, b.number(wanted.astype(np.int64))], out)
    else:
        y = b.pick((0,)) or b.number(np.asarray(0.25))
        b.add(op, [x, y], shape)


def _reduce(b):
    x = b.pick(range(1, 5))
    shape = b.shapes[x]
    axis, keep = int(b.rng.integers(len(shape))), int(b.rng.integers(2))
    op = str(b.rng.choice(REDUCTIONS))
    out = [1 if i == axis else n for i, n in enumerate(shape) if i != axis or keep]
    b.add(op, [x, b.number(np.array([axis]))], out, keepdims=keep)


def _transposed(b):
    x = b.pick((3, 4))
    if x is None:
        return
    n, c, *image = b.shapes[x]
    size, stride = ([int(b.rng.integers(1, 3)) for _ in image] for _ in range(2))
    width = int(b.rng.integers(1, 3))
    out = [(s - 1) * t + k for s, t, k in zip(image, stride, size, strict=True)]
    if np.prod(out) < 60:
        b.add("ConvTranspose", [x, b.normal(c, width, *size)], (n, width, *out), strides=stride)


def _sorted(b):
    x = b.pick(range(1, 5))
    axis = int(b.rng.integers(len(b.shapes[x])))
    k = int(b.rng.integers(1, b.shapes[x][axis] + 1))
    shape = [k if i == axis else n for i, n in enumerate(b.shapes[x])]
    b.add("TopK", [x, b.number(np.array([k]))], shape, outputs=2, axis=axis, largest=int(b.rng.integers(2)))


def _running(b):
    x = b.pick(range(1, 5))
    axis = int(b.rng.integers(len(b.shapes[x])))
    b.add("CumSum", [x, b.number(np.array(axis))], b.shapes[x], exclusive=int(b.rng.integers(2)),
          reverse=int(b.rng.integers(2)))


def _contracted(b):
    x = b.pick((2,))
    if x is not None:
        n, m = b.shapes[x]
        equation, shape, out = [("bi,oi->bo", (2, m), (n, 2)), ("bi,bi->b", (n, m), (n,)), ("bi,o->bo", (3,), (n, 3)),
                                ("bi,ib->bi", (m, n), (n, m))][int(b.rng.integers(4))]
        b.add("Einsum", [x, b.normal(*shape)], out, equation=equation)


def _deviation(b):
    x = b.pick((2, 3))
    if x is None:
        return
    shape, axes = b.shapes[x], b.number(np.array([-1]))
    kept = (*shape[:-1], 1)
    d = b.add("Sub", [x, b.add("ReduceMean", [x, axes], kept)], shape)
    v = b.add("ReduceMean", [b.add("Mul", [d, d], shape), axes], kept)
    root = b.add("Sqrt", [b.add("Add", [v, b.number(np.array(0.125))], kept)], kept)
    b.add("Div", [d, root], shape)


def _recurrent(b):
    x = b.pick((3,))
    if x is None or b.shapes[x][0] > 4:
        return
    steps, batch, width = b.shapes[x]
    op = str(b.rng.choice(["RNN", "GRU", "LSTM"]))
    gates = {"RNN": 1, "GRU": 3, "LSTM": 4}[op]
    b.add(op, [x, b.normal(1, gates * 2, width), b.normal(1, gates * 2, 2)], (steps, 1, batch, 2), hidden_size=2)


KINDS = [_unary, _unary, _softmax, _binary, _binary, _gate, _gemm, _gemm, _matmul, _conv, _conv, _pool, _normalize,
         _move, _move, _reduce, _transposed, _sorted, _running, _contracted, _deviation, _recurrent]


def random_model(rng):
    """A model in double precision, with one or two inputs and one or two outputs."""
    b = Builder(rng)
    shapes = [(1, 2, 3, 3), (2, 3), (1, 4), (3,), (1, 2, 4), (2, 2, 2, 2), (1, 1, 4, 3)]
    for name in ["x", "z"][: 1 + int(rng.random() < 0.4)]:
        b.shapes[name] = shapes[int(rng.integers(len(shapes)))]
    inputs = dict(b.shapes)
    while len(b.nodes) < 2 + int(rng.integers(7)):
        KINDS[int(rng.integers(len(KINDS)))](b)
    made = [name for name in b.shapes if name not in inputs]
    outputs = [made[-1], *([made[int(rng.integers(len(made)))]] if rng.random() < 0.3 else [])]
    F = TensorProto.DOUBLE
    graph = helper.make_graph(
        b.nodes, "g", [helper.make_tensor_value_info(name, F, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, F, b.shapes[name]) for name in dict.fromkeys(outputs)],
        [numpy_helper.from_array(array, name) for name, array in b.constants.items()])
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("local", 1)]
    made = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    if rng.random() < 0.3:
        _in_a_function(made)
    return made, inputs


def _in_a_function(model):
    """Put the last node into a local function that has the name of another operator."""
    node = model.graph.node[-1]
    inputs, outputs = [f"i{k}" for k in range(len(node.input))], [f"o{k}" for k in range(len(node.output))]
    inner = type(node)()
    inner.CopyFrom(node)
    inner.input[:], inner.output[:] = inputs, outputs
    model.functions.append(helper.make_function(
        "local", "Abs", inputs, outputs, [inner], [helper.make_opsetid("", OPSET)]))
    del node.attribute[:]
    node.op_type, node.domain = "Abs", "local"


def largest_slope(model, inputs, rng, points=3):
    """The largest norm of a Jacobian by central differences, at random points; all inputs and outputs together."""
    session = ReferenceEvaluator(model)
    sizes = [int(np.prod(shape)) for shape in inputs.values()]

    def f(v):
        parts = np.split(v, np.cumsum(sizes)[:-1])
        feeds = {name: part.reshape(shape) for (name, shape), part in zip(inputs.items(), parts, strict=True)}
        return np.concatenate([np.ravel(y) for y in session.run(None, feeds)])

    best = 0.0
    with np.errstate(all="ignore"):
        for _ in range(points):
            v = rng.normal(size=sum(sizes)) * rng.choice([0.01, 0.3, 1.0, 3.0])
            J = np.stack([(f(v + STEP * e) - f(v - STEP * e)) / (2 * STEP) for e in np.eye(len(v))], axis=1)
            if np.isfinite(J).all():
                best = max(best, float(np.linalg.norm(J, 2)))
    return best
