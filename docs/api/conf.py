"""Sphinx: the API of refimpl from its docstrings, formulas as MathML, so that no page needs a network."""

from __future__ import annotations

import re
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

# In a checkout its own packages, whatever is installed; elsewhere there are none beside.
sys.path.insert(0, str(Path(__file__).parents[2]))

import proofs_check
from proofs_check.implementation import TOPICS

project = "lipref"
author = "the lipref authors"
try:
    release = metadata.version("lipref")
except metadata.PackageNotFoundError:
    release = ""
extensions = ["sphinx.ext.autodoc", "numpydoc"]
templates_path = ["_templates"]
html_theme = "basic"
html_static_path = [str(Path(proofs_check.__file__).parent / "report" / "site" / "static")]
html_css_files = ["style.css"]
# `sphinx -A in_site=1` adds the links to the pages around these.
html_context = {"topics": TOPICS}
html_copy_source = False
html_use_index = True
html_math_renderer = "offline"
pygments_style = "none"
highlight_language = "none"
autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False


ID = re.compile(r"\b(?:than|thesis|explosion|lipref)\.[A-Za-z0-9.-]*[A-Za-z0-9]")


def _link_claims(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """In the site the ids below "References" lead to the pages of the claims."""
    if app.config.html_context.get("in_site") and "References" in lines:
        for place in range(lines.index("References") + 2, len(lines)):
            if not lines[place].strip():
                break
            lines[place] = ID.sub(lambda found: f"`{found[0]} <../claims/{found[0]}.html>`__", lines[place])


def setup(app: Any) -> None:
    """Formulas through the converter that the report uses; one that does not convert is an error."""
    from docutils import nodes

    from proofs_check.report.site.formulas import mathml

    def inline(writer: Any, node: Any) -> None:
        writer.body.append(mathml(node.astext(), block=False))
        raise nodes.SkipNode

    def block(writer: Any, node: Any) -> None:
        # Sphinx puts the lines of a displayed formula apart by an empty line.
        for formula in filter(str.strip, node.astext().split("\n\n")):
            writer.body.append(f'<div class="formula" tabindex="0">{mathml(formula)}</div>')
        raise nodes.SkipNode

    # Before numpydoc, that makes a rubric of the heading.
    app.connect("autodoc-process-docstring", _link_claims, priority=100)
    app.add_html_math_renderer("offline", (inline, None), (block, None))
