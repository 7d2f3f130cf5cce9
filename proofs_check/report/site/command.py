"""`proofs-check report`: a run as a web site."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import click

NEEDED = {"jinja2": "jinja2", "latex2mathml": "latex2mathml", "ziamath": "ziamath", "fontTools": "fonttools",
          "markdown_it": "markdown-it-py"}


@click.command()
@click.argument("run_file", metavar="RUN.jsonl", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path("site"), show_default=True,
              metavar="DIR", help="Folder for the pages; those of an earlier report are replaced.")
@click.option("--docs", type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
              help="Folder of the documentation.  [default: as it is installed, or beside the package]")
@click.option("--api/--no-api", default=None, help="With the API, by Sphinx.  [default: where Sphinx is installed]")
def report(run_file: Path, out: Path, docs: Path | None, api: bool | None) -> None:
    """Write a web site of a finished run, with the documentation, to be read without a network.

    RUN.jsonl is what `proofs-check run --json RUN.jsonl` wrote. Claims that it lacks are shown without results.
    """
    missing = [package for module, package in NEEDED.items() if importlib.util.find_spec(module) is None]
    if missing:
        raise click.ClickException(f"a report needs {', '.join(missing)}: pip install 'lipref[report]'")
    from proofs_check.claims import load
    from proofs_check.report.records import UnusableError, read
    from proofs_check.report.site import guide
    from proofs_check.report.site.build import build
    from proofs_check.report.site.formulas import FormulaError
    from proofs_check.terminal import progress_bar

    found = guide.folder(docs)
    if docs is not None and found is None:
        raise click.ClickException(f"{docs} is not the documentation: no quick-start.md, or CONTRIBUTING.md beside it")
    if api and not guide.has_sphinx():
        raise click.ClickException("the API needs Sphinx and numpydoc: pip install 'lipref[docs]'")
    if found is None:
        click.echo("without the documentation, which is not there: --docs DIR", err=True)
    with_api = found is not None and (guide.has_sphinx() if api is None else api)
    claims = load()
    try:
        header, results = read(run_file)
        unknown = sorted(set(results) - set(claims))
        if unknown:
            raise UnusableError(f"{run_file} holds {unknown[0]!r}, which is no claim: it is of another version")
        importlib.import_module(str(header["impl"]))
        check_folder(out)
        with progress_bar(len(claims)) as done:
            views = build(out, claims, header, results, done, found, api=with_api)
    except (UnusableError, FormulaError, guide.ApiError, ImportError, OSError) as wrong:
        raise click.ClickException(str(wrong)) from wrong
    click.echo(f"{out / 'index.html'}: {len(views)} claims, {len(results)} of them with results")


def check_folder(out: Path) -> None:
    """Refuse a folder of something else; remove the pages of claims that are gone."""
    if not out.exists() or not any(out.iterdir()):
        return
    if not (out / "errata.bib").is_file() or not (out / "claims").is_dir():
        raise click.ClickException(f"{out} is neither empty nor a report: name another folder")
    for folder in ("claims", "docs"):
        for page in (out / folder).glob("*.html"):
            page.unlink()
    if (out / "api" / "genindex.html").is_file():
        shutil.rmtree(out / "api")
