"""TeX into MathML, so that browsers typeset it offline; a formula that does not convert is an error."""

from __future__ import annotations

import re
import unicodedata
import xml.etree.ElementTree as ET

NAMESPACE = "http://www.w3.org/1998/Math/MathML"

# The converter drops which side a bar stands on, and browsers space bars by it. Characters of the private
# use area carry it through, and names that the converter does not know.
_CARRIED = {
    r"\lVert": ("\ue001", "‖", "prefix"), r"\rVert": ("\ue002", "‖", "postfix"),
    r"\{": ("\ue003", "{", "prefix"), r"\}": ("\ue004", "}", "postfix"),
}
_MARKS = {mark: (shown, form) for mark, shown, form in _CARRIED.values()}
_STYLES = {"bold": "BOLD", "double-struck": "DOUBLE-STRUCK", "bold-italic": "BOLD ITALIC"}
_KINDS = {"Lu": "CAPITAL", "Ll": "SMALL"}
_ARROWS = "⟹⟺⇒⇐↦→"
_SCRIPTED = {"msub", "msup", "msubsup"}
_DIGITS = ("ZERO", "ONE", "TWO", "THREE", "FOUR", "FIVE", "SIX", "SEVEN", "EIGHT", "NINE")


class FormulaError(ValueError):
    """The formula cannot be typeset."""


def mathml(tex: str, *, block: bool = True) -> str:
    """The formula as MathML Core.

    Raises
    ------
    FormulaError
        If a command is unknown, or the result is not well formed.
    """
    from latex2mathml.converter import convert

    try:
        found = convert(_prepared(tex), display="block" if block else "inline")
        root = ET.fromstring(found)
    except Exception as failed:
        raise FormulaError(f"{tex!r}: {type(failed).__name__}: {failed}") from failed
    for parent in list(root.iter()):
        _repair(parent)
    _check(tex, root)
    root.set("alttext", tex)
    ET.register_namespace("", NAMESPACE)
    return ET.tostring(root, encoding="unicode")


def _prepared(tex: str) -> str:
    for name, (mark, _, _) in _CARRIED.items():
        tex = re.sub(re.escape(name) + ("(?![A-Za-z])" if name[-1].isalpha() else ""), mark, tex)
    tex = re.sub(r"(?<!\\)\\\n", r"\\ ", tex)
    tex = re.sub(r"\\arg(?![A-Za-z])", r"\\operatorname{arg}", tex)
    tex = tex.replace(r"\_", "_") if r"\text" in tex else tex
    return re.sub(r"\\(begin|end)\{aligned\}", r"\\\1{matrix}", tex)


def _repair(parent: ET.Element) -> None:
    """What browsers do not know, in terms of what they know."""
    children = list(parent)
    for place, node in enumerate(children):
        tag = node.tag.rpartition("}")[2]
        text = node.text or ""
        variant = node.get("mathvariant")
        if variant in _STYLES:
            node.text = "".join(_styled(character, variant) for character in text)
            del node.attrib["mathvariant"]
        if node.get("width") == "negativethinmathspace":
            node.set("width", "-0.167em")
        if place == 0 and "minsize" in node.attrib and parent.tag.rpartition("}")[2] in _SCRIPTED:
            # Browsers give a sized bracket its size in a row of its own only, not below an exponent.
            row = ET.Element(f"{{{NAMESPACE}}}mrow")
            row.append(node)
            parent[0] = row
        if text in _MARKS:
            shown, form = _MARKS[text]
            _as_fence(node, shown, form)
        elif tag == "mi" and text in _ARROWS:
            node.tag = f"{{{NAMESPACE}}}mo"
            node.attrib.update(lspace="0.28em", rspace="0.28em", stretchy="false")
        elif tag == "mo" and text == "|":
            node.attrib.update(lspace="0", rspace="0", stretchy=node.get("stretchy", "false"))
        elif tag == "mo" and len(text) > 1 and text.isalpha():
            follower = "" if place + 1 == len(children) else children[place + 1].text
            node.attrib.update(lspace="0.1em", rspace="0" if follower == "(" else "0.17em")


def _as_fence(node: ET.Element, shown: str, form: str) -> None:
    node.tag, node.text = f"{{{NAMESPACE}}}mo", shown
    node.attrib.pop("mathvariant", None)
    node.attrib.update(form=form, fence="true", lspace="0", rspace="0")
    node.set("stretchy", node.get("stretchy", "false"))


def _styled(character: str, variant: str) -> str:
    """The letter or digit of Unicode's mathematical alphabets."""
    if unicodedata.category(character) == "Nd":
        return unicodedata.lookup(f"MATHEMATICAL {_STYLES[variant]} DIGIT {_DIGITS[int(character)]}")
    name = _KINDS.get(unicodedata.category(character))
    if name is None or not character.isascii():
        return character
    return unicodedata.lookup(f"MATHEMATICAL {_STYLES[variant]} {name} {character.upper()}")


def _check(tex: str, root: ET.Element) -> None:
    for node in root.iter():
        text = node.text or ""
        if "\\" in text or "&" in text or any("\ue000" <= letter <= "\uf8ff" for letter in text):
            raise FormulaError(f"{tex!r}: {text!r} is unknown")
        if node.get("mathvariant", "normal") != "normal":
            raise FormulaError(f"{tex!r}: browsers do not know the style {node.get('mathvariant')!r}")
        if node.tag.endswith("merror"):
            raise FormulaError(f"{tex!r} does not convert")
