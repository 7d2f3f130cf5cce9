"""`proofs-check certify`: certified radii of a smoothed classifier on a whole data set, to be interrupted at will."""

from __future__ import annotations

import hashlib
import importlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

# Certified accuracy is shown at so many distances.
LEVELS = 6


@dataclass(frozen=True)
class Settings:
    """What decides the certificates, but for the classifier and the inputs."""

    sigma: float
    alpha: float
    procedure: Any
    selection: int | None
    estimation: int
    seed: int


@dataclass(frozen=True)
class Inputs:
    """Vectors, their labels where these are known, and a digest of both."""

    x: Array
    y: Array | None
    digest: str


@click.command()
@click.argument("model")
@click.argument("data")
@click.option("--sigma", type=click.FloatRange(min=0, min_open=True), required=True,
              help="Standard deviation of the noise.")
@click.option("--alpha", type=click.FloatRange(0, 1, min_open=True, max_open=True), default=0.001, show_default=True,
              help="Risk of each certificate.")
@click.option("--procedure", type=click.Choice(["mono", "multi", "partitioned", "lvm_rs"]), default="multi",
              show_default=True, help="How the samples are used.")
@click.option("--selection", type=click.IntRange(min=2),
              help="Samples that choose the classes.  [default: 100, none for multi]")
@click.option("--estimation", type=click.IntRange(min=2), default=10_000, show_default=True,
              help="Samples that bound the probabilities.")
@click.option("--batch", type=click.IntRange(min=1), default=1000, show_default=True,
              help="Most inputs in one call of the model.")
@click.option("--first", type=click.IntRange(min=1), help="Only so many of the inputs.  [default: all]")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True,
              help="The same seed, the same results.")
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path),
              help="Write JSON Lines to this new file: the header, then an input as soon as it is done.")
@click.option("--resume", "resume_file", type=click.Path(dir_okay=False, path_type=Path),
              help="Go on with such a file, skip the inputs in it.")
def certify(
    model: str, data: str, sigma: float, alpha: float, procedure: str, selection: int | None, estimation: int,
    batch: int, first: int | None, seed: int, json_file: Path | None, resume_file: Path | None,
) -> None:
    """Certify a smoothed classifier on each input of a data set.

    MODEL is MODULE:FUNCTION, which takes a batch (m, d) of inputs and returns scores (m, c), or the name of a network
    trained on digits, such as mlp-noise-0.50. DATA is an .npz file with an array x (inputs, ...) and, where labels
    are known, y (inputs,); or digits.
    """
    from proofs_check.report.records import Certificates, open_lines

    if procedure == "multi" and selection is not None:
        raise click.UsageError("--selection is not for multi, which chooses and bounds from one sample")
    f, inputs = classifier(model), read_inputs(data)
    settings = Settings(sigma, alpha, procedure, selection, estimation, seed)
    header = {"certify": model, "data": inputs.digest, **asdict(settings)}
    lines = open_lines(Certificates, json_file, resume_file, header)
    count = len(inputs.x) if first is None else min(first, len(inputs.x))
    try:
        done = {} if lines is None else {row["index"]: row for row in lines.found if row["index"] < count}
        complete = _certify(f, inputs, settings, batch, count, done, lines)
    finally:
        if lines is not None:
            lines.close()
    summarise(list(done.values()))
    if not complete:
        target = resume_file or json_file
        hint = f"; go on with --resume {target}" if target else ""
        click.echo(f"interrupted: {count - len(done)} of {count} inputs are missing{hint}")
        click.get_current_context().exit(130)


def _certify(
    f: Any, inputs: Inputs, settings: Settings, batch: int, count: int, done: dict[int, Any], lines: Any
) -> bool:
    """Fill in what is missing; whether it came to the end."""
    from proofs_check.terminal import progress_bar

    missing = [index for index in range(count) if index not in done]
    try:
        with progress_bar(len(missing)) as shown:
            for row in certificates(f, inputs, settings, missing, batch):
                done[row["index"]] = row
                if lines is not None:
                    lines.write(row)
                shown(f"input {row['index']}")
    except KeyboardInterrupt:
        return False
    return True


def certificates(
    f: Callable[[Array], Any], inputs: Inputs, settings: Settings, indices: list[int], batch: int
) -> Iterator[dict[str, Any]]:
    """One row an input. The noise of an input depends on the seed and its index alone."""
    import numpy as np

    from refimpl import certificates as of

    for index in indices:
        try:
            found = of.certify(
                f, inputs.x[index], settings.sigma, settings.alpha, rng=np.random.default_rng([settings.seed, index]),
                procedure=settings.procedure, selection=settings.selection, estimation=settings.estimation, batch=batch,
            )
        except Exception as failed:
            raise click.ClickException(f"input {index}: {type(failed).__name__}: {failed}") from failed
        row = {"index": index, **found._asdict()}
        if inputs.y is not None:
            row["true_label"] = int(inputs.y[index])
        yield row


def summarise(rows: list[Mapping[str, Any]]) -> None:
    """How many are certified, and at which distances with the right label."""
    import numpy as np

    from refimpl.certificates import certified_accuracy

    if not rows:
        return
    radii = np.array([row["radius"] for row in rows])
    named = sum(row["label"] >= 0 for row in rows)
    click.echo(f"{len(rows)} inputs, {named} certified, mean radius {radii.mean():.4g}, largest {radii.max():.4g}")
    labelled = all("true_label" in row for row in rows)
    if labelled:
        radii = np.array([row["radius"] if row["label"] == row["true_label"] else 0.0 for row in rows])
    name = "certified accuracy" if labelled else "share certified"
    width = len(name)
    click.echo(f"{'distance':>{width}}  {name}")
    levels = np.linspace(0, max(radii.max(), 1e-300), LEVELS)[:-1]
    for level, share in zip(levels, np.atleast_1d(certified_accuracy(radii, levels)), strict=True):
        click.echo(f"{level:{width}.4g}  {share:.3f}")


def classifier(model: str) -> Callable[[Array], Any]:
    """The function of a name."""
    from proofs_check import digits

    if model in digits.NAMES:
        return digits.batched(digits.load(model))
    module, colon, name = model.partition(":")
    if not colon:
        raise click.ClickException(
            f"{model!r} is neither MODULE:FUNCTION nor a network trained on digits: {', '.join(digits.NAMES)}")
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    try:
        f = getattr(importlib.import_module(module), name)
    except Exception as failed:
        raise click.ClickException(f"cannot import {model!r}: {type(failed).__name__}: {failed}") from failed
    if not callable(f):
        raise click.ClickException(f"{model!r} is no function, but {f!r}")
    return f  # type: ignore[no-any-return]


def read_inputs(data: str) -> Inputs:
    """The inputs of a file as vectors, or the test part of the digits."""
    import numpy as np

    from proofs_check import digits
    from proofs_check.real_layers import read_arrays

    if data == "digits":
        _, (x, y) = digits.data()
        return Inputs(x, y, "digits")
    try:
        arrays = read_arrays(data)
    except ValueError as wrong:
        raise click.ClickException(str(wrong)) from wrong
    x, y = arrays.get("x"), arrays.get("y")
    if x is None or x.dtype.kind not in "fiu" or x.ndim < 2 or x.size == 0 or not np.isfinite(x).all():
        raise click.ClickException(f"{data}: x must be a finite array of numbers (inputs, ...), got {_described(x)}")
    if "y" in arrays and (y is None or y.dtype.kind not in "iu" or y.shape != x.shape[:1]):
        raise click.ClickException(f"{data}: y must be an array of {len(x)} integers, got {_described(y)}")
    digest = hashlib.sha256(x.tobytes() + (b"" if y is None else y.tobytes())).hexdigest()
    return Inputs(x.reshape(len(x), -1).astype(float), y, digest)


def _described(array: Array | None) -> str:
    return "none" if array is None else f"{array.dtype} of shape {array.shape}"
