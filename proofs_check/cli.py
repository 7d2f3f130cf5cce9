"""The command line, `proofs-check`: list the claims, show one, run them, attack one."""

from __future__ import annotations

import difflib
import fnmatch
import hashlib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from proofs_check import run_layers
from proofs_check.audit.command import audit
from proofs_check.certification import certify
from proofs_check.matrix import matrix, show_one
from proofs_check.report.site.command import report
from proofs_check.vectors.command import vectors

if TYPE_CHECKING:
    from proofs_check.claim import Case, Claim
    from proofs_check.evidence._decide import Decision
    from proofs_check.report.records import Header, Record
    from proofs_check.run import Result

STARTS = 5
SEED = click.IntRange(min=0)


class _Group(click.Group):
    """Every error is one line on standard error and exit code 2."""

    def main(self, *args: Any, standalone_mode: bool = True, **extra: Any) -> Any:
        plain: Any = super()
        if not standalone_mode:
            return plain.main(*args, standalone_mode=False, **extra)
        try:
            code = plain.main(*args, standalone_mode=False, **extra)
        except click.ClickException as wrong:
            message = wrong.format_message()
            if not message.startswith("Usage:"):
                message = f"proofs-check: {' '.join(message.split())}"
            click.echo(message, err=True)
            sys.exit(2)
        except click.Abort:
            click.echo("proofs-check: interrupted", err=True)
            sys.exit(130)
        sys.exit(code if isinstance(code, int) else 0)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="lipref", prog_name="proofs-check")
def main() -> None:
    """Test the claims of the sources against an implementation of their mathematics."""


@main.command("list")
@click.argument("globs", nargs=-1, metavar="[GLOB]...")
@click.option("--statements", is_flag=True,
              help="Instead all statements of the sources: place, what each says, and what has it or why nothing does.")
@click.option("--missing", is_flag=True,
              help="Instead those that have neither claim nor experiment nor reason; exit code 1 if there are any.")
def list_(globs: tuple[str, ...], statements: bool, missing: bool) -> None:
    """List the claims, one a row."""
    from proofs_check import catalogue
    from proofs_check.report.tables import list_claims, list_statements
    from proofs_check.reproduce._catalogue import EXPERIMENTS

    if not statements and not missing:
        list_claims(_chosen(globs).values())
        return
    try:
        rows = catalogue.chosen(globs, _chosen(()), EXPERIMENTS)
    except ValueError as wrong:
        raise click.ClickException(str(wrong)) from wrong
    absent = catalogue.missing(rows)
    if statements or absent:
        list_statements(absent if missing else rows)
    click.get_current_context().exit(1 if missing and absent else 0)


@main.command()
@click.argument("id")
@click.option("--impl", default="refimpl", show_default=True, help="Importable name of the implementation.")
def show(id: str, impl: str) -> None:
    """Show one claim in full, with an instance and the Python that computes it."""
    from proofs_check.implementation import NotOffered
    from proofs_check.report.details import show_claim

    claim = _claim(id)
    _check_implementation(impl)
    try:
        show_claim(claim, impl)
    except NotOffered as missing:
        raise click.ClickException(str(missing)) from missing


@main.command()
@click.argument("globs", nargs=-1, metavar="[GLOB]...")
@click.option("--impl", default="refimpl", show_default=True, help="Importable name of the implementation.")
@click.option("--profile", type=click.Choice(["quick", "default", "thorough", "nightly"]), default="default",
              show_default=True, help="How long to search.")
@click.option("--jobs", type=click.IntRange(min=1), help="Worker processes.  [default: the number of CPUs]")
@click.option("--dask", "address", metavar="ADDRESS",
              help="Run on the Dask cluster of this scheduler (tcp://HOST:PORT), not in processes here.")
@click.option("--seed", type=SEED, default=0, show_default=True, help="The same seed, the same results.")
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path),
              help="Write JSON Lines to this new file: the header, then a result as soon as it is there.")
@click.option("--resume", "resume_file", type=click.Path(dir_okay=False, path_type=Path),
              help="Go on with such a file, skip the claims in it.")
@click.option("--weights", type=click.Path(path_type=Path),
              help="Matrices and convolution kernels, .npz or .safetensors.  [default: a network trained on digits]")
@click.option("--matrix/--no-matrix", "with_matrix", default=None,
              help="Then functions: pass, FAIL, not offered; with test vectors.  [default: unless --impl is refimpl]")
def run(
    globs: tuple[str, ...], impl: str, profile: str, jobs: int | None, address: str | None, seed: int,
    json_file: Path | None, resume_file: Path | None, weights: Path | None, with_matrix: bool | None,
) -> None:
    """Gather the evidence for and against the claims; exit code 0 if every verdict is reproduced."""
    if jobs is not None and address is not None:
        raise click.UsageError("--jobs is about processes here, --dask runs on the workers of a cluster")
    claims = _chosen(globs)
    _check_implementation(impl)
    header: Header = {
        "lipref": _version(), "impl": impl, "profile": profile, "seed": seed, "weights": _digest(weights),
    }
    layers = None if weights is None else run_layers.given(weights)
    record = _record(json_file, resume_file, header)
    try:
        code = _run(
            claims, header, record, jobs, address, layers,
            with_matrix=impl != "refimpl" if with_matrix is None else with_matrix, all_claims=not globs,
        )
    finally:
        if record is not None:
            record.close()
    click.get_current_context().exit(code)


def _run(
    claims: dict[str, Claim], header: Header, record: Record | None, jobs: int | None, address: str | None,
    layers: Mapping[str, Any] | None, *, with_matrix: bool, all_claims: bool,
) -> int:
    from contextlib import closing

    from proofs_check import cluster, parallel
    from proofs_check.report import tables
    from proofs_check.terminal import progress_bar

    results: list[Result] = [] if record is None else [r for id, r in record.finished.items() if id in claims]
    missing = sorted(set(claims) - {result.id for result in results})
    interrupted = False
    try:
        if layers is None and missing:
            layers = run_layers.trained()
        what = (missing, header["impl"], header["profile"], header["seed"])
        with progress_bar(len(missing)) as done, closing(
            parallel.run_all(*what, layers=layers, jobs=jobs or parallel.processors()) if address is None
            else cluster.run_all(*what, layers=layers, address=address)
        ) as found:
            for result in found:
                results.append(result)
                if record is not None:
                    record.add(result)
                done(result.id)
    except KeyboardInterrupt:
        interrupted = True
    except cluster.UnusableClusterError as refused:
        raise click.ClickException(str(refused)) from refused
    tables.list_results(results, claims)
    tables.list_failures(results)
    tables.summarise(results, claims)
    if interrupted:
        click.echo(f"interrupted: {len(claims) - len(results)} of {len(claims)} claims are missing")
        return 130
    good = all(result.good for result in results)
    if with_matrix:
        what = (header["impl"], results, header["profile"], header["seed"])
        good &= show_one(*what, jobs=jobs or parallel.processors(), all_claims=all_claims)
    return 0 if good else 1


@main.command()
@click.argument("id")
@click.option("--impl", default="refimpl", show_default=True, help="Importable name of the implementation.")
@click.option("--seed", type=SEED, default=0, show_default=True, help="Of the random starts.")
@click.option("--evaluations", type=click.IntRange(min=1), default=2000, show_default=True,
              help="How often to evaluate the claim, over all starts.")
def attack(id: str, impl: str, seed: int, evaluations: int) -> None:
    """Look for a violation of one claim by moving the entries of an instance."""
    from proofs_check import parallel
    from proofs_check.implementation import NotOffered

    claim = _claim(id)
    if not claim.adversarial:
        raise click.ClickException(f"{id} names no arguments that an optimiser may move")
    _check_implementation(impl)
    try:
        with parallel.interruptible():
            case, decision = _attack(claim, impl, seed, evaluations)
    except NotOffered as missing:
        raise click.ClickException(str(missing)) from missing
    from proofs_check.report.details import literal

    bad = not decision.holds or decision.accurate is False
    click.echo(f"\nbest instance, slack {decision.slack:.6g} in balls\n{literal(case)}\n")
    if decision.accurate is False:
        click.echo(f"the implementation is wrong here: {decision.detail}")
    click.echo("it violates the claim" if not decision.holds else "it does not violate the claim")
    click.get_current_context().exit(1 if bad and claim.verdict.value != "refuted" else 0)


def _attack(claim: Claim, impl: str, seed: int, evaluations: int) -> tuple[Case, Decision]:
    """The instance of least slack over all starts, decided in balls."""
    from proofs_check.evidence import adversarial, random
    from proofs_check.evidence._decide import CLEAR, decide
    from proofs_check.implementation import Implementation

    code = Implementation(impl)
    drawn = random.search(claim, code, examples=40, seed_=seed)
    # Where the sides meet already, as they do for W = 0, there is nothing to gain.
    apart = [item for item in drawn.cases if abs(item[0]) > CLEAR] or drawn.cases
    ordered = [case for _, case in sorted(apart, key=lambda item: abs(item[0]))]
    starts = ordered[:: max(1, len(ordered) // STARTS)][:STARTS]
    starts += [drawn.violation] if drawn.violation is not None else []
    if not starts:
        raise click.ClickException(f"{claim.id}: no random instance met the hypotheses")
    best: list[tuple[float, Case]] = []
    for number, start in enumerate(starts, 1):

        def improved(spent: int, slack: float, case: Case, number: int = number) -> None:
            if not best or slack < best[0][0]:
                best[:] = [(slack, case)]
                ratio = f", ratio {1 - slack:.15g}" if _is_inequality(claim, code, case) else ""
                click.echo(f"start {number}, evaluation {spent}: slack {slack:.6g}{ratio}")

        share = max(1, evaluations // len(starts))
        end, spent = adversarial.attack(claim, code, start, evaluations=share, improved=improved)
        if spent == 0 and not best:
            best[:] = [(0.0, end)]
    _, case = best[0] if best else (0.0, starts[0])
    return case, decide(claim, code, case, rigorous=True)


def _is_inequality(claim: Claim, code: Any, case: Case) -> bool:
    return bool(claim.compare(code, **case).relation != "==")


main.add_command(audit)
main.add_command(certify)
main.add_command(report)
main.add_command(vectors)
main.add_command(matrix)


@main.command()
@click.argument("names", nargs=-1, metavar="NAME...")
@click.option("--out", type=click.Path(path_type=Path), default=Path(), show_default="the current one", metavar="DIR",
              help="Folder for NAME.csv and NAME.png.")
@click.option("--seed", type=SEED, default=0, show_default=True, help="The same seed, the same data.")
@click.option("--full", is_flag=True, help="The sizes of the source; may take hours.")
def reproduce(names: tuple[str, ...], out: Path, seed: int, full: bool) -> None:
    """Run experiments of the sources again: names or patterns such as 'fig-3.*', or all."""
    from proofs_check import reproduce as again
    from proofs_check.terminal import progress_bar

    try:
        experiments = again.choose(names)
        again.check_plots()
        folder = again.folder(out)
        with progress_bar(len(experiments)) as done:
            for experiment in experiments:
                written = again.reproduce(experiment, folder, seed, full=full)
                click.echo(f"{experiment.name}: {' and '.join(str(file) for file in written)}")
                done(experiment.name)
    except again.RefusedError as refused:
        raise click.ClickException(str(refused)) from refused


# -- what the commands share ---------------------------------------------------------------------------


def _chosen(globs: tuple[str, ...]) -> dict[str, Claim]:
    """The claims that match one of the patterns, all without a pattern."""
    from proofs_check.claims import load

    claims = load()
    for glob in globs:
        if not fnmatch.filter(claims, glob):
            raise click.ClickException(f"no claim matches {glob!r}; {_nearest(glob, claims)}")
    return {id: claim for id, claim in claims.items()
            if not globs or any(fnmatch.fnmatchcase(id, glob) for glob in globs)}


def _claim(id: str) -> Claim:
    from proofs_check.claims import load

    claims = load()
    if id not in claims:
        raise click.ClickException(f"no claim {id!r}; {_nearest(id, claims)}")
    return claims[id]


def _nearest(id: str, claims: Mapping[str, Claim]) -> str:
    near = difflib.get_close_matches(id, claims, n=4, cutoff=0.5)
    return f"the nearest are {', '.join(near)}" if near else "`proofs-check list` lists them all"


def _check_implementation(name: str) -> None:
    from proofs_check.implementation import check_importable

    check_importable(name)


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("lipref")
    except PackageNotFoundError:
        return "unknown"


def _digest(weights: Path | None) -> str | None:
    if weights is None:
        return None
    try:
        return hashlib.sha256(weights.read_bytes()).hexdigest()
    except OSError as refused:
        raise click.ClickException(f"{weights} cannot be read: {refused.strerror}") from refused


def _record(json_file: Path | None, resume_file: Path | None, header: Header) -> Record | None:
    from proofs_check.report.records import Record, open_lines

    return open_lines(Record, json_file, resume_file, header)
