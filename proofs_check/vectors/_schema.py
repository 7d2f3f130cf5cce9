"""The JSON Schema of a function's file."""

from __future__ import annotations

import json
from typing import Any

from proofs_check.vectors._spec import (
    ARRAY,
    CHOICE,
    CHOICES,
    COMPLEX,
    COUNTS,
    FIELDS,
    INTEGER,
    NETWORK,
    NUMBER,
    ONE_OR_TWO,
    OUTCOMES,
    PAIRS,
    ROWS,
    SIZE,
    YES,
)

DIALECT = "https://json-schema.org/draft/2020-12/schema"
FLOAT = {
    "description": "an exact float: hexadecimal as C's strtod reads it, or inf, -inf, nan",
    "type": "string",
    "pattern": "^(-?0x[01](\\.[0-9a-f]+)?p[+-][0-9]+|-?inf|nan)$",
}
DECIMAL = {
    "description": "30 significant digits, fewer where the rest is zeros; or inf",
    "type": "string",
    "pattern": "^(-?[0-9]+(\\.[0-9]+)?(e-?[0-9]+)?|inf)$",
}
FLOAT_REF, DECIMAL_REF = {"$ref": "#/$defs/float"}, {"$ref": "#/$defs/decimal"}
KINDS: dict[str, Any] = {
    ARRAY: {"description": "floats, row by row", "$ref": "#/$defs/floats"},
    NUMBER: FLOAT_REF,
    INTEGER: {"type": "integer"},
    SIZE: {"description": "one integer, or two: vertical, horizontal",
           "anyOf": [{"type": "integer"}, {"type": "array", "items": {"type": "integer"}}]},
    CHOICE: {"type": "string"},
    COUNTS: {"description": "an integer or integers, row by row", "$ref": "#/$defs/counts"},
    FIELDS: {"description": "floats or integers in lists"},
    COMPLEX: {"description": "floats or {re, im}, row by row", "$ref": "#/$defs/complexes"},
    ROWS: {"description": "a list of arrays", "type": "array", "items": {"$ref": "#/$defs/floats"}},
    ONE_OR_TWO: {"description": "one float, or two",
                 "anyOf": [FLOAT_REF, {"type": "array", "items": FLOAT_REF, "minItems": 2, "maxItems": 2}]},
    YES: {"type": "boolean"},
    PAIRS: {"description": "a list of pairs of arrays", "type": "array",
            "items": {"type": "array", "items": {"$ref": "#/$defs/floats"}}},
    CHOICES: {"type": "array", "items": {"type": "string"}},
    NETWORK: {"description": "layer after layer h = activation(weight h + bias)", "$ref": "#/$defs/network"},
    OUTCOMES: {"description": "the outcomes of the event, a tuple of counts each", "type": "array",
               "items": {"type": "array", "items": {"type": "integer"}}},
}


def _nested(name: str, leaf: Any) -> dict[str, Any]:
    return {"anyOf": [leaf, {"type": "array", "items": {"$ref": f"#/$defs/{name}"}}]}


def _object(properties: dict[str, Any], required: list[str] | None = None) -> dict[str, Any]:
    return {
        "type": "object", "properties": properties, "additionalProperties": False,
        "required": list(properties) if required is None else required,
    }


def schema(file: dict[str, Any]) -> dict[str, Any]:
    """Closed: no other keys, and all that are named but optional arguments."""
    fields = list(file["promises"]) if isinstance(file["promises"], dict) else []
    # What must be refused may lack an argument or hold one of the wrong kind.
    inputs = {name: KINDS[about["kind"]] for name, about in file["arguments"].items()}
    value = {"$ref": "#/$defs/decimals"}
    decimals = _object(dict.fromkeys(fields, value)) if fields else value
    relation = {"$ref": "#/$defs/relation"}
    expected = _object(dict.fromkeys(("value", "radius", "truth", "truth_radius"), decimals), ["value", "radius"])
    needed = [name for name, about in file["arguments"].items() if about["required"]]
    return _without_unused({
        "$schema": DIALECT,
        "$id": f"{file['function']}.schema.json",
        "title": f"Test vectors of {file['function']}",
        **_object({
            "function": {"const": file["function"]},
            "says": {"description": "what the function computes", "type": "string"},
            "promises": {
                "description": "what is promised of the result, or of each of its fields",
                **(_object({name: {"$ref": "#/$defs/promise"} for name in fields}) if fields
                   else {"$ref": "#/$defs/promise"}),
            },
            "arguments": _object({name: _object({"kind": {"const": about["kind"]}, "required": {"type": "boolean"}})
                                  for name, about in file["arguments"].items()}),
            "rounding": {"description": "why errors of that size count as rounding", "type": "string", "minLength": 1},
            "version": {"description": "of the set of vectors", "type": "string"},
            "generator": _object({
                "name": {"type": "string"}, "balls": {"type": "string"}, "bits": {"type": "integer"},
            }),
            "seed": {"description": "of what is drawn", "type": "integer"},
            "notes": {
                "description": "what each flag says of an implementation that fails", "type": "object",
                "additionalProperties": {"type": "string"},
            },
            "count": {"description": "of the vectors", "type": "integer"},
            "vectors": {"type": "array", "items": _object({
                "id": {"type": "string", "pattern": f"^{file['function'].replace('.', '[.]')}-[0-9]{{3}}$"},
                "comment": {"type": "string", "minLength": 1},
                "flags": {"type": "array", "items": {"enum": list(file["notes"])}, "uniqueItems": True, "minItems": 1},
                "inputs": _object(inputs, needed),
                "expected": {"anyOf": [expected, {"type": "null"}]},
                "relation": {"anyOf": [
                    _object(dict.fromkeys(fields, relation)) if fields else relation,
                    _object({"kind": {"const": "raises"}}),
                ]},
            })},
        }),
        "$defs": {
            "float": FLOAT,
            "floats": _nested("floats", FLOAT_REF),
            "complexes": _nested("complexes", {"anyOf": [FLOAT_REF, _object(dict.fromkeys(("re", "im"), FLOAT_REF))]}),
            "network": _object({
                "weights": {"type": "array", "items": {"$ref": "#/$defs/floats"}},
                "activation": {"description": "of every layer", "type": "array", "items": {"type": "string"}},
                "biases": {"type": "array", "items": {"$ref": "#/$defs/floats"}},
            }),
            "counts": _nested("counts", {"anyOf": [{"type": "integer"}, FLOAT_REF]}),
            "decimal": DECIMAL,
            "decimals": _nested("decimals", {
                "anyOf": [DECIMAL_REF, _object(dict.fromkeys(("re", "im"), DECIMAL_REF))],
            }),
            "promise": {"enum": ["exact", "upper", "lower", "estimate"]},
            "relation": {
                **_object({
                    "kind": {
                        "description": "equal: up to rounding; upper, lower: not below, not above the truth (the value "
                                       "where there is no other); estimate: equal to what the formula gives",
                        "enum": ["equal", "upper", "lower", "estimate"],
                    },
                    "relative": {"description": "a relative error that counts as rounding", **FLOAT_REF},
                    "ulp": {"description": "or so many units in the last place of a double", "type": "integer",
                            "minimum": 0},
                    "of": {"description": "of each entry, or of the largest one", "enum": ["entry", "largest"]},
                }, ["kind"]),
                "oneOf": [{"required": ["relative"]}, {"required": ["ulp"]}],
            },
        },
    })


def _without_unused(made: dict[str, Any]) -> dict[str, Any]:
    """Definitions that nothing refers to are left out."""
    while True:
        text = json.dumps(made)
        unused = [name for name in made["$defs"] if f'"#/$defs/{name}"' not in text]
        kept = {name: value for name, value in made["$defs"].items() if name not in unused}
        made = {**made, "$defs": kept}
        if not unused:
            return made
