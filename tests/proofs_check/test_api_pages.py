"""The API pages of the site hold the topics, with their formulas typeset, and lead to the claims."""

from __future__ import annotations

import re

import pytest

from proofs_check.implementation import TOPICS


@pytest.fixture
def api(site):
    pytest.importorskip("sphinx", reason="no API pages: pip install 'lipref[docs]'")
    pytest.importorskip("numpydoc", reason="no API pages: pip install 'lipref[docs]'")
    return {path.stem: path.read_text(encoding="utf-8") for path in (site / "api").glob("*.html")}


def test_every_topic_has_its_page(api):
    for topic in TOPICS:
        assert f"refimpl.{topic}" in api[topic] and f'href="{topic}.html"' in api["index"]
    assert sum(text.count("<math") for text in api.values()) > 100


def test_they_need_no_network(api):
    for text in api.values():
        assert "mathjax" not in text.lower() and 'src="http' not in text
        assert not re.search(r'rel="stylesheet"[^>]*href="http', text)


def test_they_lead_to_the_claims_and_the_documentation_to_them(site, api):
    assert "../claims/than.lemma-5.html" in api["network"] and "../docs/index.html" in api["network"]
    assert "../api/index.html" in (site / "docs" / "quick-start.html").read_text(encoding="utf-8")
