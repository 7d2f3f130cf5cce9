"""The site in headless Chromium: layout at two widths, light and dark, the filter, the keyboard, the console."""

from __future__ import annotations

import os
import shutil

import pytest
from click.testing import CliRunner

from proofs_check.claims import load
from proofs_check.cli import main

pytest.importorskip("latex2mathml", reason="no report: pip install 'lipref[report]'")
pytest.importorskip("ziamath", reason="no report: pip install 'lipref[report]'")
playwright = pytest.importorskip("playwright.sync_api", reason="no browser tests: pip install playwright")
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt-get install chromium")

PAGES = ("index.html", "errata.html", "tightness.html", "claims/thesis.cor-4.5.2-zero.html",
         "claims/thesis.eq-4.3.html", "claims/explosion.rank.html",
         "claims/thesis.thm-7.2.1.html", "claims/thesis.app-B.1.html")
# Relative luminance and ratio as WCAG defines them.
CONTRAST = """() => {
  const light = (c) => {
    const [r, g, b] = c.match(/[\\d.]+/g).map(Number).map((v) => v / 255)
      .map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (e) => {
    for (; e; e = e.parentElement) {
      const c = getComputedStyle(e).backgroundColor;
      if (c !== "rgba(0, 0, 0, 0)") return c;
    }
    return "rgb(255, 255, 255)";
  };
  let least = [99, ""];
  for (const e of document.querySelectorAll("body *")) {
    if (![...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim())) continue;
    if (e.closest("[hidden]") || e.closest(".skip")) continue;
    const style = getComputedStyle(e);
    const ink = light(e.namespaceURI.includes("svg") ? style.fill : style.color), paper = light(ground(e));
    const ratio = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
    if (ratio < least[0]) least = [ratio, e.outerHTML.slice(0, 120)];
  }
  return least;
}"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    run = folder / "run.jsonl"
    done = CliRunner().invoke(main, ["run", "than.lemma-*", "--profile", "quick", "--json", str(run), "--jobs", "2"])
    assert done.exit_code == 0, done.output
    made = CliRunner().invoke(main, ["report", str(run), "--out", str(folder / "site")])
    assert made.exit_code == 0, made.output
    return (folder / "site").as_uri()


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as started:
        found = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def page(browser):
    """A page that must not say anything on the console, nor ask for anything that is not there."""
    opened = browser.new_page(viewport={"width": 1280, "height": 800})
    said = []
    opened.on("console", lambda message: said.append(message.text))
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.on("requestfailed", lambda request: said.append(request.url))
    yield opened
    opened.close()
    assert not said


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_layout_and_contrast(page, site, name, width, scheme):
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{site}/{name}")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    ratio, where = page.evaluate(CONTRAST)
    assert ratio >= 4.5, where


def shown(page):
    return page.locator("table.claims tbody tr:visible").count()


def test_the_filter(page, site):
    claims = load()
    page.goto(f"{site}/index.html")
    assert shown(page) == len(claims)
    page.get_by_label("refuted", exact=True).check()
    refuted = [id for id, claim in claims.items() if claim.verdict.value == "refuted"]
    assert shown(page) == len(refuted)
    page.get_by_role("combobox", name="Source").select_option("than")
    assert shown(page) == len([id for id in refuted if id.startswith("than.")])
    assert page.locator("#count").inner_text() == f"{shown(page)} of {len(claims)} claims"
    page.get_by_role("searchbox", name="Text").fill("lemma-1")
    assert shown(page) == 1
    page.get_by_role("button", name="Show all").click()
    page.wait_for_function(f"document.getElementById('count').textContent.startsWith('{len(claims)} of')")
    assert shown(page) == len(claims)


def test_from_the_front_page_to_the_code_of_a_counterexample_in_two_clicks(page, site):
    refuted = [id for id, claim in load().items() if claim.source.name == "than" and claim.counterexample is not None]
    page.goto(f"{site}/index.html")
    page.get_by_role("link", name=f"{len(refuted)} refuted claims of than").click()
    assert shown(page) == len(refuted)
    page.get_by_role("link", name="than.lemma-1", exact=True).click()
    assert "load()['than.lemma-1']" in page.get_by_label("Code that reproduces the instance").inner_text()


def test_the_keyboard_reaches_everything_and_shows_where_it_is(page, site):
    page.goto(f"{site}/index.html")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "To the content"
    reached = set()
    for _ in range(45):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.name || document.activeElement.textContent"))
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    assert {"Errata", "Tightness", "text", "source", "kind"} <= reached


def test_all_rows_are_there_without_scripts(browser, site):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site}/index.html?kind=refuted")
    assert shown(page) == len(load())
    assert page.locator("#filters:visible").count() == 0
    context.close()


def test_formulas_use_the_font_beside_them(page, site):
    page.goto(f"{site}/claims/thesis.eq-4.3.html")
    page.wait_for_function("document.fonts.status === 'loaded'")
    loaded = page.evaluate("[...document.fonts].filter((font) => font.status === 'loaded').map((font) => font.family)")
    assert any("Formulas" in family for family in loaded)
    assert page.evaluate("document.querySelector('msqrt').getBoundingClientRect().height") > 10
