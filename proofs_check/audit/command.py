"""`proofs-check audit`: its options, and which of them apply to which file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from proofs_check.audit.value import Array

ONNX_ONLY = ("within", "at", "radius", "norm", "start", "ends", "dims", "shapes")
FLAGS = {"start": "from", "ends": "to", "dims": "dim", "shapes": "shape"}
CHECKPOINT_ONLY = ("input_size", "padding", "epsilon")


class _Sizes(click.ParamType):
    """NAME=SIZE,SIZE,... or NAME=SIZE."""

    name = "sizes"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[str, tuple[int, ...]]:
        name, equals, sizes = str(value).rpartition("=")
        try:
            found = tuple(int(size) for size in sizes.split(","))
        except ValueError:
            found = ()
        if not equals or not name or not found or min(found) < 1:
            self.fail(f"needs NAME=SIZE,SIZE,... with positive sizes, got {value!r}", param, ctx)
        return name, found


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--within", type=float, nargs=2, metavar="LOW HIGH", help="Only inputs whose entries lie between these.")
@click.option("--at", type=click.Path(path_type=Path), metavar="FILE",
              help="Only inputs near this one (.npy, or .npz with one array an input).")
@click.option("--radius", type=float, help="How near, in every entry and so in the 2-norm too.")
@click.option("--from", "start", multiple=True, metavar="TENSOR", help="Start at this tensor, not at the inputs.")
@click.option("--to", "ends", multiple=True, metavar="TENSOR", help="End at this tensor, not at the outputs.")
@click.option("--dim", "dims", multiple=True, type=_Sizes(), metavar="NAME=SIZE", help="The size of a symbolic axis.")
@click.option("--shape", "shapes", multiple=True, type=_Sizes(), metavar="INPUT=SIZE,...",
              help="All sizes of an input.")
@click.option("--input-size", type=click.IntRange(min=1),
              help="Checkpoints: side of the images that convolutions see.  [default: every size]")
@click.option("--padding", type=click.Choice(["zero", "circular"]),
              help="Checkpoints: of convolutions.  [default: zero]")
@click.option("--epsilon", type=click.FloatRange(min=0), help="Checkpoints: of batch norms.  [default: 1e-5]")
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path),
              help="Write the rows and the bound to this new file.")
def audit(file: Path, json_file: Path | None, **options: Any) -> None:
    """Bound what a model does to a change of its input: an .onnx graph node by node and as a whole.

    Of .npz and .safetensors, arrays without a graph, only the layers are bounded. Exit code 1 if there is no bound.
    """
    graph = file.suffix == ".onnx"
    given = {name for name, value in options.items() if value not in (None, ())}
    if unfit := sorted(given & set(CHECKPOINT_ONLY if graph else ONNX_ONLY)):
        flag = FLAGS.get(unfit[0], unfit[0].replace("_", "-"))
        kind = "an .onnx graph, which tells itself" if graph else "arrays, which have no inputs"
        raise click.UsageError(f"--{flag} does not apply to {kind}")
    try:
        good = _graph(file, json_file, options) if graph else _checkpoint(file, json_file, options)
    except ValueError as bad:
        raise click.ClickException(str(bad)) from bad
    click.get_current_context().exit(0 if good else 1)


def _graph(file: Path, json_file: Path | None, asked: dict[str, Any]) -> bool:
    from proofs_check.audit import report
    from proofs_check.audit.graph import load
    from proofs_check.audit.model import Options, starts
    from proofs_check.audit.model import audit as bound
    from proofs_check.audit.slopes import largest_slope
    from proofs_check.terminal import progress_bar

    model = load(file)
    dims = {name: sizes[0] for name, sizes in asked["dims"]}
    options = Options(dims, dict(asked["shapes"]), _boxes(asked, list(asked["start"] or model.inputs)),
                      tuple(asked["start"]), tuple(asked["ends"]))
    with progress_bar(len(model.nodes)) as done:
        found = bound(model, options, done)
    if found.bound is not None and not asked["start"] and not asked["ends"]:
        found.slope = largest_slope(file, starts(model, options)[0])
    report.show(found, options)
    if json_file is not None:
        plain = {name: str(value) if isinstance(value, Path) else value for name, value in asked.items()}
        report.write(json_file, report.content(file.name, found, plain))
    return found.bound is not None


def _boxes(asked: dict[str, Any], inputs: list[str]) -> dict[str, tuple[Array, Array]]:
    import numpy as np

    within, at, radius = asked["within"], asked["at"], asked["radius"]
    if within is not None and at is not None:
        raise click.UsageError("--within and --at both name the inputs: give one of them")
    if (at is None) != (radius is None):
        raise click.UsageError("--at and --radius belong together")
    if within is not None:
        low, high = within
        if not (np.isfinite(within).all() and low <= high):
            raise click.UsageError(f"--within needs two finite numbers, the smaller first, got {low:g} {high:g}")
        return {name: (np.asarray(low), np.asarray(high)) for name in inputs}
    if at is None:
        return {}
    if not (np.isfinite(radius) and radius >= 0):
        raise click.UsageError(f"--radius must be a finite number that is not negative, got {radius:g}")
    return {name: (np.nextafter(x - radius, -np.inf), np.nextafter(x + radius, np.inf))
            for name, x in _points(at, inputs).items()}


def _points(at: Path, inputs: list[str]) -> dict[str, Array]:
    import numpy as np

    try:
        stored = np.load(at, allow_pickle=False)
    except (OSError, ValueError) as unreadable:
        raise ValueError(f"{at}: not a readable .npy or .npz file: {' '.join(str(unreadable).split())}") from unreadable
    arrays = {name: stored[name] for name in stored.files} if hasattr(stored, "files") else {inputs[0]: stored}
    if set(arrays) != set(inputs):
        raise ValueError(f"{at}: holds {', '.join(sorted(arrays))}; the inputs are {', '.join(inputs)}")
    for name, array in arrays.items():
        if array.dtype.kind not in "fiub" or not np.isfinite(array).all():
            raise ValueError(f"{at}: {name} must be finite real numbers")
    return {name: np.asarray(array, dtype=np.float64) for name, array in arrays.items()}


def _checkpoint(file: Path, json_file: Path | None, asked: dict[str, Any]) -> bool:
    from proofs_check.audit import checkpoint, report
    from proofs_check.terminal import progress_bar

    given = {name: asked[name] for name in CHECKPOINT_ONLY if asked[name] is not None}
    jobs = checkpoint.layers_of(checkpoint.read(file), checkpoint.Settings(**given))
    if not jobs:
        raise ValueError(f"{file}: holds no arrays")
    rows = []
    with progress_bar(len(jobs)) as done:
        for name, job in jobs:
            rows.append(job())
            done(name)
    report.show_layers(rows)
    if json_file is not None:
        report.write(json_file, report.layers(file.name, rows, given))
    return all(row.high is not None for row in rows)
