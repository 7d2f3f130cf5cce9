"""A font for the formulas, with no more than the characters that they use: few phones have one."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from html import unescape
from pathlib import Path


def write(path: Path, formulas: Iterable[str]) -> None:
    """Cut the characters of all formulas out of STIX Two Math (SIL Open Font License), which ziamath brings."""
    import ziamath
    from fontTools import subset

    # The sign of a root and the bars over letters are drawn without standing in the text.
    characters = {*map(chr, range(32, 127)), *"√‖|‾¯ˆ˜˙̂̃̅"}
    for formula in formulas:
        characters.update(unescape(re.sub("<[^>]*>", "", formula)))
    # Browsers show a letter that stands alone as the italic one of Unicode's mathematical alphabets.
    italic = map(chr, (*range(0x1D434, 0x1D468), *range(0x1D6E2, 0x1D71C), 0x210E))
    characters.update([letter for letter in italic if unicodedata.normalize("NFKC", letter) in characters])
    whole = next((Path(ziamath.__file__).parent / "fonts").glob("STIXTwoMath*"))
    options = subset.Options(flavor="woff", layout_features=["ssty", "dtls"], notdef_outline=True)
    # Fixed dates, so that the same formulas give the same file.
    options.recalc_timestamp = False
    font = subset.load_font(str(whole), options)
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=map(ord, characters))
    cutter.subset(font)
    subset.save_font(font, str(path), options)
    font.close()
