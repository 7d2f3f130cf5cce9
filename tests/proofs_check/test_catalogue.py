"""Is every statement of the sources accounted for? The table against the numbers, the claims and the experiments."""

import re
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
import source_numbers
from source_numbers import DOCUMENTS, KINDS

from proofs_check import catalogue, claims
from proofs_check.reproduce._catalogue import EXPERIMENTS

ROOT = Path(__file__).parents[2]
SOURCES = next((path for path in (ROOT.parent / "shared/sources", ROOT / "shared/sources") if path.is_dir()), None)
NUMBERS = tomllib.loads((Path(__file__).parent / "source_numbers.toml").read_text("utf-8"))
needs_the_sources = pytest.mark.skipif(SOURCES is None, reason="the sources are not here")

# Headings without a row: nothing in them asserts a bound that is not said where it is derived.
SILENT = {
    "than": [],
    "thesis": ["1.1", "1.2", "1.4", "2.4", "3.3", "3.10", "4.7", "5.3", "6.3", "8.1"],
}


@pytest.fixture(scope="module")
def rows():
    return catalogue.rows()


def _number(name, numbers):
    """The number that a row's id begins with: thm-3.2.4 of thm-3.2.4b and thm-3.2.4-2."""
    found = [number for number in numbers if re.fullmatch(rf"{re.escape(number)}(?:[a-z-].*)?", name)]
    return max(found, key=len, default=None)


def _problems(rows, source):
    """What is wrong between the rows and the numbers of one source."""
    numbers, sections = NUMBERS[source]["numbers"], NUMBERS[source]["sections"]
    names = {row.id.partition(".")[2]: row for row in rows.values() if row.id.startswith(f"{source}.")}
    of = {name: _number(name, numbers) for name in names}
    wrong = [f"no row for {number}" for number in numbers if number not in of.values()]
    kind = re.compile(rf"(?:{'|'.join(KINDS.values())})-")
    wrong += [f"no number for {name}" for name in names if kind.match(name) and of[name] is None]
    for name, row in names.items():
        if of[name] is None and not any(re.fullmatch(rf"(?:sec-|app-)?{re.escape(section)}(?:-.*)?", name)
                                        for section in _with_chapters(sections)):
            wrong.append(f"no section for {name}")
        if row.at not in _with_chapters(sections):
            wrong.append(f"no section {row.at}, where {name} should be")
    first = list(dict.fromkeys(number for number in of.values() if number))
    right = sorted(first, key=numbers.index)
    wrong += [f"{a} stands before {b}" for a, b in zip(first, right, strict=True) if a != b][:1]
    silent = [section for section in sections
              if not any(row.at == section or row.at.startswith(f"{section}.") for row in names.values())]
    return wrong + [f"nothing in section {section}" for section in silent if section not in SILENT[source]]


def _with_chapters(sections):
    return {*sections, *(section.partition(".")[0] for section in sections)}


@pytest.mark.parametrize("source", DOCUMENTS)
def test_every_number_has_its_rows_in_the_order_of_the_source(rows, source):
    assert _problems(rows, source) == []


@pytest.mark.parametrize(("row", "problem"), [
    ("thesis.eq-3.11", "no row for eq-3.11"), ("than.eq-40", "no row for eq-40"),
    ("thesis.tab-5.2", "no row for tab-5.2"), ("thesis.thm-7.2.1", "no row for thm-7.2.1"),
])
def test_a_row_that_is_not_there_is_found(rows, row, problem):
    without = {id: kept for id, kept in rows.items() if id != row}
    assert _problems(without, row.partition(".")[0]) == [problem]


@pytest.mark.parametrize(("id", "at", "problem"), [
    ("than.thm-99", "4.1", "no number for thm-99"),
    ("than.sec-9.1-bound", "4.1", "no section for sec-9.1-bound"),
    ("than.sec-4.1-bound", "9.1", "no section 9.1, where sec-4.1-bound should be"),
])
def test_a_row_of_nothing_is_found(rows, id, at, problem):
    more = {**rows, id: catalogue.Row(id, at, "A bound.")}
    assert problem in _problems(more, "than")


def test_rows_in_another_order_are_found(rows):
    assert "eq-66 stands before eq-1" in " ".join(_problems({"than.eq-66": rows["than.eq-66"], **rows}, "than"))


def test_a_section_without_a_row_is_found(rows):
    without = {id: row for id, row in rows.items() if row.at != "4.4"}
    assert "nothing in section 4.4" in _problems(without, "thesis")


@needs_the_sources
@pytest.mark.parametrize(("source", "document"), DOCUMENTS.items())
def test_the_numbers_are_those_of_the_source(source, document):
    lines = source_numbers.text_of(document, SOURCES)
    assert NUMBERS[source] == {
        "sections": source_numbers.sections(document, lines), "numbers": source_numbers.numbers(document, lines)
    }


@needs_the_sources
@pytest.mark.parametrize(("source", "document"), DOCUMENTS.items())
def test_what_the_text_refers_to_is_stated(source, document):
    referred = source_numbers.references(source_numbers.text_of(document, SOURCES))
    assert {id for id in referred if id not in NUMBERS[source]["numbers"]} == set(document.exceptions)


@pytest.mark.parametrize("source", DOCUMENTS)
def test_no_number_is_left_out(source):
    """A number that the conversion garbled would leave a gap: counters run from 1 in their chapter or section."""
    counters = {}
    for id in NUMBERS[source]["numbers"]:
        kind, _, number = id.partition("-")
        if kind == "alg" or re.fullmatch(r"[A-Z]+", number):
            continue
        *place, last = number.rpartition("-" if "-" in number else ".")
        one = "all" if source == "than" and kind not in ("eq", "fig") else "statement"
        counter = kind if kind in ("eq", "fig", "tab") else one
        counters.setdefault((counter, "".join(place)), []).append(int(last))
    assert {key: found for key, found in counters.items() if sorted(found) != list(range(1, len(found) + 1))} == {}
    algorithms = [int(id[4:]) for id in NUMBERS[source]["numbers"] if id.startswith("alg-")]
    assert algorithms == list(range(1, len(algorithms) + 1))


def test_what_a_row_names_exists(rows):
    catalogue.check(rows.values(), claims.load(), EXPERIMENTS)


def test_every_claim_of_a_source_stands_in_a_row(rows):
    ids = claims.load()
    assert catalogue.unlisted(rows.values(), ids) == []
    without = [row for row in rows.values() if row.id != "thesis.eq-3.14"]
    assert catalogue.unlisted(without, ids) == ["thesis.eq-3.14", "thesis.eq-3.14-half"]


def test_every_experiment_stands_in_a_row(rows):
    named = {name for row in rows.values() for name in row.experiments}
    assert sorted(set(EXPERIMENTS) - named) == []


def test_every_figure_and_table_was_run_or_says_why_not(rows):
    pictures = [row for row in rows.values() if re.match(r"\w+\.(fig|tab)-", row.id)]
    assert len({row.id.split("-")[1] for row in pictures}) > 60
    assert [row.id for row in pictures if not (row.experiments or row.why or row.claims)] == []


GOOD = 'id = "thm-1", at = "3.1", says = "A bound."'


@pytest.mark.parametrize(("text", "message"), [
    (f"thesi = [{{{GOOD}}}]", "'thesi' is no source; known are than, thesis"),
    (f'thesis = [{{{GOOD}, claim = ["thesis.alg-4"]}}]', "thesis.thm-1 has the unknown key 'claim'; known are id, at"),
    (f'thesis = [{{{GOOD}, why = ""}}]', "why must be a str that is not empty, got ''"),
    (f"thesis = [{{{GOOD}, claims = []}}]", "claims must be a list that is not empty"),
    (f'thesis = [{{{GOOD}, claims = "thesis.alg-4"}}]', "claims must be a list"),
    (f"thesis = [{{{GOOD}, claims = [3]}}]", "claims must be a list"),
    (f'thesis = [{{{GOOD}, why = "easy: it is"}}]', "why must be one of definition, step, .* words, got 'easy"),
    (f'thesis = [{{{GOOD}, why = "definition"}}]', "why must be one of .* got 'definition'"),
    (f'thesis = [{{{GOOD}, why = "definition: "}}]', "why must be one of .* got 'definition: '"),
    ('thesis = [{id = "thm-1", at = "3.1"}]', "thesis.thm-1 needs says"),
    ('thesis = [{at = "3.1"}]', "a row without id"),
    (f"thesis = [{{{GOOD}}}, {{{GOOD}}}]", "lists thesis.thm-1 twice"),
])
def test_a_table_that_is_not_well_formed_is_an_error(text, message):
    with pytest.raises(ValueError, match=message):
        catalogue.rows(text)


def test_all_names_that_do_not_exist_are_reported_at_once():
    row = f'{GOOD}, claims = ["thesis.alg-44", "thesis.alg"], experiments = ["fig-3.22"]'
    rows = catalogue.rows(f"thesis = [{{{row}}}]")
    with pytest.raises(ValueError) as error:
        catalogue.check(rows.values(), ["thesis.alg-4", "thesis.alg.one"], ["fig-3.2"])
    assert str(error.value) == (
        "statements.toml: thesis.thm-1 names the claim thesis.alg-44, which does not exist "
        "(the nearest is thesis.alg-4); thesis.thm-1 names the experiment fig-3.22, which does not exist "
        "(the nearest is fig-3.2)"
    )


def test_what_an_id_in_a_row_stands_for():
    assert catalogue.stands_for("thesis.eq-2.3", "thesis.eq-2.3")
    assert catalogue.stands_for("thesis.eq-2.3", "thesis.eq-2.3.amended")
    assert not catalogue.stands_for("thesis.eq-2.3", "thesis.eq-2.3-exact")
    assert catalogue.stands_for("thesis.eq-2.3*", "thesis.eq-2.3-exact.layers")
    assert not catalogue.stands_for("thesis.eq-2.3.*", "thesis.eq-2.3")


def test_what_is_missing_is_what_has_nothing_or_says_so(rows):
    made = rows["thesis.eq-3.14"]
    nothing, partly = replace(made, claims=()), replace(made, open="for odd sizes")
    reason = replace(made, claims=(), why="cited: elsewhere")
    assert catalogue.missing([made, nothing, partly, reason]) == [nothing, partly]
    assert (nothing.held_by, reason.held_by) == ("MISSING", "cited: elsewhere")
    assert partly.held_by == "thesis.eq-3.14; thesis.eq-3.14-half MISSING: for odd sizes"


def test_places_in_words(rows):
    places = [rows[id].place for id in ("thesis.eq-3.14", "thesis.eq-A.2", "than.fig-3", "explosion.input")]
    assert places == ["section 3.4.2", "appendix A.0.4", "appendix E", "abstract"]
