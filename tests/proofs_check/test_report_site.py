"""The site of a run: every formula typeset, every link good, every counterexample two clicks away."""

from __future__ import annotations

import contextlib
import html
import io
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner

from proofs_check.claims import load
from proofs_check.cli import main

pytest.importorskip("latex2mathml", reason="no report: pip install 'lipref[report]'")
pytest.importorskip("ziamath", reason="no report: pip install 'lipref[report]'")
pytest.importorskip("jinja2", reason="no report: pip install 'lipref[report]'")

from proofs_check.report.site.formulas import FormulaError, mathml
from proofs_check.report.site.pictures import sides


def test_every_formula_is_typeset():
    for claim in load().values():
        root = ET.fromstring(mathml(claim.tex))
        shown = "".join(root.itertext())
        assert shown.strip() and "\\" not in shown, claim.id
        # Letters of the formula must not get lost.
        letters = re.findall(r"(?<![A-Za-z\\{])[A-Z](?![A-Za-z])", re.sub(r"\\[A-Za-z]+|\{[^{}]*\}", " ", claim.tex))
        assert set(letters) <= set(shown), claim.id


@pytest.mark.parametrize("tex", [r"\nonsense{x}", r"\frac{1}{", r"a & b", r"\left( x"])
def test_a_formula_that_does_not_convert_is_an_error(tex):
    with pytest.raises(FormulaError, match=re.escape(repr(tex))):
        mathml(tex)


def test_a_sized_bracket_keeps_its_size_below_an_exponent():
    base = ET.fromstring(mathml(r"\Bigl( x \Bigr)^2")).find(".//{*}msup")[0]
    assert base.tag.endswith("mrow") and base[0].text == ")" and "minsize" in base[0].attrib


def test_bars_know_their_side():
    bars = [node.get("form") for node in ET.fromstring(mathml(r"\lVert x \rVert")).iter() if node.text == "‖"]
    assert bars == ["prefix", "postfix"]


# -- a site of all claims, with the results of some ---------------------------------------------------

ROOT = Path(__file__).parents[2]
REFUTED = [id for id, claim in load().items() if claim.counterexample is not None]


class Page(HTMLParser):
    """Links, ids and headings; void elements aside, all that opens closes."""

    VOID = frozenset({"meta", "link", "input", "br", "hr", "img"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links, self.ids, self.headings, self.tables, self.open = [], [], [], 0, []
        self.captions = 0
        self.feed(text)
        assert not self.open, self.open

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.links += [values[name] for name in ("href", "src") if values.get(name)]
        self.ids += [values["id"]] if "id" in values else []
        self.headings += [int(tag[1])] if re.fullmatch("h[1-6]", tag) else []
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, tag


@pytest.fixture(scope="module")
def pages(site):
    return {path.relative_to(site).as_posix(): Page(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}


def test_every_link_leads_somewhere_and_none_to_the_network(site, pages):
    for name, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            # A page may name a place in the network, in a link that nobody has to follow.
            if link == "data:," or (name.startswith(("docs/", "api/")) and parts.scheme == "https"):
                continue
            assert not parts.scheme and not parts.netloc, (name, link)
            path = ((site / name).parent / parts.path).resolve() if parts.path else site / name
            assert path.is_file(), (name, link)
            if parts.fragment and path.suffix == ".html":
                assert parts.fragment in pages[path.relative_to(site.resolve()).as_posix()].ids, (name, link)


def test_headings_come_in_order_and_ids_once(pages):
    for name, page in pages.items():
        assert page.headings[0] == 1, name
        assert page.headings.count(1) == 1 or name == "docs/contributing.html", name
        assert all(b <= a + 1 for a, b in zip(page.headings, page.headings[1:], strict=False)), name
        assert len(set(page.ids)) == len(page.ids), name


def test_the_documentation_is_in_the_site(pages):
    assert "docs/quick-start.html" in pages["index.html"].links and "docs/index.html" in pages["index.html"].links
    for path in [*(ROOT / "docs").glob("*.md"), ROOT / "CONTRIBUTING.md"]:
        assert f"{path.stem.lower()}.html" in pages["docs/index.html"].links
    links = pages["docs/quick-start.html"].links
    assert {"adapters.html", "strategies.html", "vectors.html", "verdicts.html", "contributing.html"} <= set(links)
    # Ids in the documentation lead to the claims.
    assert "../claims/than.lemma-1.html" in pages["docs/findings.html"].links


def test_code_of_every_counterexample_is_a_click_from_the_front_page(site, pages):
    for id, claim in load().items():
        assert f"claims/{id}.html" in pages["index.html"].links
        text = (site / "claims" / f"{id}.html").read_text(encoding="utf-8")
        if claim.counterexample is not None:
            assert 'id="code"' in text and "from proofs_check.claims import load" in text
            assert f'id="{id}"' in (site / "errata.html").read_text(encoding="utf-8")


def code_on(page):
    """As a reader copies it."""
    text = page.read_text(encoding="utf-8")
    return html.unescape(re.search(r'reproduces the instance"><code>(.*?)</code>', text, re.DOTALL)[1])


@pytest.mark.parametrize("id", REFUTED)
def test_the_code_on_the_page_of_a_refuted_claim_shows_that_it_fails(site, id):
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code_on(site / "claims" / f"{id}.html"), {})
    assert float(printed.getvalue().rpartition("slack ")[2]) < -1e-4


def test_the_code_needs_nothing_but_the_package(site):
    code = code_on(site / "claims" / "thesis.eq-4.3.html")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    left, right, slack = map(float, re.split(r" <= |, slack ", done.stdout))
    assert slack == pytest.approx(right / left - 1, abs=1e-5) and slack < -0.4


def test_every_side_that_is_named_is_one_of_a_claim():
    named = sides._all_names()
    assert [id for id in named if id not in load()] == [] and [id for id in REFUTED if id not in named] == []


def test_every_refuted_claim_has_a_picture(site):
    for id in REFUTED:
        assert "<svg" in (site / "claims" / f"{id}.html").read_text(encoding="utf-8"), id


def test_pages_show_what_the_run_found(site):
    text = (site / "claims" / "than.lemma-1.largest.html").read_text(encoding="utf-8")
    assert "Mutants and the instances that reject them" in text and "reproduced" in text
    assert "In pictures" in (site / "claims" / "explosion.input.html").read_text(encoding="utf-8")
    missing = (site / "claims" / "than.cor-18.html").read_text(encoding="utf-8")
    assert "not in the run" in missing
    there = len((site.parent / "run.jsonl").read_text(encoding="utf-8").splitlines()) - 1
    assert f"{len(load()) - there} claims are not in this run" in (site / "index.html").read_text(encoding="utf-8")


def test_errata_as_bibtex(site):
    text = (site / "errata.bib").read_text(encoding="utf-8")
    refuted = [id for id, claim in load().items() if claim.counterexample is not None]
    keys = re.findall(r"^@misc\{([A-Za-z0-9-]+),$", text, re.M)
    assert len(keys) == len(set(keys)) == len(refuted)
    assert text.count("  year = {2") == text.count("  author = {{The lipref developers}}") == len(keys)
    page = (site / "errata.html").read_text(encoding="utf-8")
    assert all(f'id="{id}"' in page and f"BibTeX of {id}" in page for id in refuted)
    plain = text.replace(r"\{", "").replace(r"\}", "")
    assert plain.count("{") == plain.count("}")


def test_the_same_run_gives_the_same_site(site, tmp_path):
    from proofs_check.report.records import read
    from proofs_check.report.site.build import build

    header, results = read(site.parent / "run.jsonl")
    some = {id: claim for id, claim in load().items()
            if id in ("explosion.input", "than.lemma-2") or id.startswith("thesis.ex-4.6.4-lambda")}
    for name in ("one", "two"):
        build(tmp_path / name, some, header, results, docs=ROOT / "docs")
    paths = [path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*.*")]
    assert len(paths) > len(some)
    for path in paths:
        assert (tmp_path / "one" / path).read_bytes() == (tmp_path / "two" / path).read_bytes(), path
    # Nor does it matter what the process has done before.
    page = "claims/explosion.input.html"
    assert (tmp_path / "one" / page).read_bytes() == (site / page).read_bytes()


# -- refusals ------------------------------------------------------------------------------------------


def refused(*arguments):
    result = CliRunner().invoke(main, ["report", *map(str, arguments)])
    assert result.exit_code == 2
    return result.output


def test_refusals(tmp_path, monkeypatch):
    run = tmp_path / "run.jsonl"
    assert "cannot be read" in refused(run)
    run.write_text('{"lipref": "0"}\n')
    assert "is not the record of a run" in refused(run)
    run.write_text('{"lipref": "0", "impl": "refimpl", "profile": "quick", "seed": 0}\n'
                   '{"id": "than.nothing", "verdict": "proved", "outcome": "reproduced"}\n')
    assert "holds 'than.nothing', which is no claim" in refused(run, "--out", tmp_path / "site")
    run.write_text('{"lipref": "0", "impl": "refimpl", "profile": "quick", "seed": 0}\n')
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "precious").write_text("")
    assert "neither empty nor a report" in refused(run, "--out", tmp_path / "mine")
    assert "is not the documentation" in refused(run, "--out", tmp_path / "site", "--docs", tmp_path / "mine")
    from proofs_check.report.site import command

    monkeypatch.setitem(command.NEEDED, "no_such_module", "nothing")
    assert "a report needs nothing: pip install 'lipref[report]'" in refused(run)
