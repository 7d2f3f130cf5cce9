"""The site in headless Chromium: layout at two widths, light and dark, the filter, the keyboard, the console."""

from __future__ import annotations

import os
import shutil

import pytest

from proofs_check.claim import Kind
from proofs_check.claims import load

pytest.importorskip("latex2mathml", reason="no report: pip install 'lipref[report]'")
pytest.importorskip("ziamath", reason="no report: pip install 'lipref[report]'")
playwright = pytest.importorskip("playwright.sync_api", reason="no browser tests: pip install playwright")
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt-get install chromium")

PAGES = ("index.html", "errata.html", "tightness.html", "claims/thesis.cor-4.5.2-zero.html",
         "claims/thesis.eq-4.3.html", "claims/explosion.rank.html",
         "claims/thesis.thm-7.2.1.html", "claims/thesis.app-B.1.html", "claims/thesis.app-C.1.html",
         "docs/index.html", "docs/quick-start.html", "docs/findings.html", "api/index.html", "api/spectral.html")
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
def address(site):
    return site.as_uri()


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
def test_layout_and_contrast(page, site, address, name):
    if not (site / name).exists():
        pytest.skip("no API pages: pip install 'lipref[docs]'")
    page.goto(f"{address}/{name}")
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        ratio, where = page.evaluate(CONTRAST)
        assert ratio >= 4.5, (scheme, where)


def shown(page):
    return page.locator("table.claims tbody tr:visible").count()


def test_the_filter(page, address):
    claims = load()
    page.goto(f"{address}/index.html")
    assert shown(page) == len(claims)
    page.get_by_label("refuted", exact=True).check()
    refuted = [id for id, claim in claims.items() if claim.kind is Kind.FALSE]
    assert shown(page) == len(refuted)
    page.get_by_role("combobox", name="Source").select_option("than")
    assert shown(page) == len([id for id in refuted if id.startswith("than.")])
    assert page.locator("#count").inner_text() == f"{shown(page)} of {len(claims)} claims"
    page.get_by_role("searchbox", name="Text").fill("lemma-1")
    assert shown(page) == 1
    page.get_by_role("button", name="Show all").click()
    page.wait_for_function(f"document.getElementById('count').textContent.startsWith('{len(claims)} of')")
    assert shown(page) == len(claims)


@pytest.mark.parametrize("source", ["than", "thesis"])
def test_from_the_front_page_to_the_code_of_any_counterexample_in_two_clicks(page, address, source):
    refuted = [id for id, claim in load().items() if claim.source.name == source and claim.kind is Kind.FALSE]
    page.goto(f"{address}/index.html")
    page.get_by_role("link", name=f"{len(refuted)} refuted claims of {source}").click()
    links = page.locator("table.claims tbody tr:visible th a")
    assert links.all_inner_texts() == refuted
    # What one click opens, for every row; one of them is clicked.
    pages = dict(zip(refuted, links.evaluate_all("links => links.map((link) => link.href)"), strict=True))
    assert pages == {id: f"{address}/claims/{id}.html" for id in refuted}
    page.get_by_role("link", name=refuted[-1], exact=True).click()
    code = page.get_by_label("Code that reproduces the instance")
    assert f"load()['{refuted[-1]}']" in code.inner_text() and code.is_visible()


def test_bibtex_is_copied(browser, address):
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(f"{address}/errata.html#than.lemma-1")
    entry = page.locator("[id='than.lemma-1']")
    entry.get_by_text("BibTeX").click()
    entry.get_by_role("button", name="Copy").click()
    entry.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()").startswith("@misc{lipref-erratum-than-lemma-1,")
    context.close()


def test_the_keyboard_reaches_everything_and_shows_where_it_is(page, address):
    page.goto(f"{address}/index.html")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "To the content"
    reached = set()
    for _ in range(52):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.name || document.activeElement.textContent"))
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    assert {"Errata", "Tightness", "Documentation", "text", "source", "kind"} <= reached


def test_all_rows_are_there_without_scripts(browser, address):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}/index.html?kind=refuted")
    assert shown(page) == len(load())
    assert page.locator("#filters:visible").count() == 0
    context.close()


def test_formulas_use_the_font_beside_them(page, address):
    page.goto(f"{address}/claims/thesis.eq-4.3.html")
    page.wait_for_function("document.fonts.status === 'loaded'")
    loaded = page.evaluate("[...document.fonts].filter((font) => font.status === 'loaded').map((font) => font.family)")
    assert any("Formulas" in family for family in loaded)
    assert page.evaluate("document.querySelector('msqrt').getBoundingClientRect().height") > 10


@pytest.mark.parametrize("id", ["than.cor-14", "thesis.eq-4.3", "thesis.thm-7.2.1"])
def test_no_character_of_a_formula_comes_from_another_font(page, address, id):
    page.goto(f"{address}/claims/{id}.html")
    page.wait_for_function("document.fonts.status === 'loaded'")
    session = page.context.new_cdp_session(page)
    session.send("DOM.enable")
    session.send("CSS.enable")
    root = session.send("DOM.getDocument")["root"]["nodeId"]
    found = session.send("DOM.querySelectorAll", {"nodeId": root, "selector": "math mi, math mo, math mn"})
    for node in found["nodeIds"]:
        used = session.send("CSS.getPlatformFontsForNode", {"nodeId": node})["fonts"]
        assert {font["familyName"] for font in used} <= {"STIX Two Math"}, (used, node)
