"""The description of a server's address, in OpenAPI 3.1."""

from __future__ import annotations

from typing import Any

from ..estimators.tabular.input_columns import InputColumn
from ..version import __version__
from .limits import Limits
from .served import Served

MOST_LEVELS = 50  # of a column that are listed


def description(served: Served, limits: Limits) -> dict[str, Any]:
    """What can be asked, what is answered, and the types of the columns."""
    row = {
        "type": "object",
        "required": [column.name for column in served.columns],
        "properties": {column.name: _column(column) for column in served.columns},
    }
    rows = {"type": "array", "items": {"$ref": "#/components/schemas/Row"}, "minItems": 1,
            "maxItems": limits.rows}  # fmt: skip
    body = {"oneOf": [rows, {"type": "object", "required": ["rows"], "properties": {"rows": rows},
                             "additionalProperties": False}]}  # fmt: skip
    error = {"description": "What was wrong, in words", "content": _json(
        {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}}
    )}  # fmt: skip
    codes = ("400", "403", "408", "413", "415", "421", "503")
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"{served.target} by {served.name}",
            "description": "Predictions of a model that chainrule trained.",
            "version": __version__,
        },
        "paths": {
            "/predict": {
                "post": {
                    "operationId": "predict",
                    "summary": f"Predict {served.target!r} for rows, in their order",
                    "parameters": _parameters(served),
                    "requestBody": {"required": True, "content": _json(body)},
                    "responses": {
                        "200": {
                            "description": "A prediction for each row",
                            "content": _json({"$ref": "#/components/schemas/Predictions"}),
                        },
                        **dict.fromkeys(codes, error),
                    },
                }
            }
        },
        "components": {"schemas": {"Row": row, "Predictions": _answers(served)}},
    }


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _column(column: InputColumn) -> dict[str, Any]:
    """The schema of a cell: a number may come as a text, as it stands in a file."""
    if column.kind == "text":
        schema: dict[str, Any] = {"type": ["string", "number", "boolean", "null"]}
        if column.levels:
            listed = ", ".join(column.levels[:MOST_LEVELS])
            schema["description"] = f"Values of the training: {listed}"
    elif column.kind == "number":
        schema = {"type": ["number", "string", "boolean", "null"]}
        if column.ends:
            low, high = column.ends
            schema["description"] = f"From {low:g} to {high:g} in the training"
    else:
        schema = {"type": ["string", "number", "null"], "description": f"A {column.kind}"}
    if column.examples:
        schema["examples"] = list(column.examples)
    return schema


def _parameters(served: Served) -> list[dict[str, Any]]:
    """The options of the address that this model knows."""
    parameters = []
    if served.classes:
        parameters.append(_parameter("proba", "The probability of each class", {"type": "boolean"}))
    if not served.tabular:
        return parameters
    if not served.classes:
        share = {"type": "number", "minimum": 0.5, "maximum": 0.999}
        parameters.append(
            _parameter("interval", "The range that holds this share of new rows", share)
        )
    elif len(served.classes) == 2:
        share = {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}
        names = [str(name) for name in served.classes]
        parameters += [
            _parameter("threshold", "The probability from which on `positive` is predicted", share),
            _parameter("positive", "One of the classes", {"type": "string", "enum": names}),
        ]
    count = {"oneOf": [{"type": "boolean"}, {"type": "integer", "minimum": 0, "maximum": 100}]}
    parameters.append(_parameter("explain", "So many columns and what they did; true is 3", count))
    return parameters


def _parameter(name: str, text: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": text, "schema": schema}


def _answers(served: Served) -> dict[str, Any]:
    """The schema of an answer."""
    value: dict[str, Any] = {"type": "number"}
    if served.classes:
        value = {"enum": list(served.classes)}
    number = {"type": "number"}
    effect = {"type": "object", "properties": {"column": {"type": "string"}, "effect": number}}
    one = {
        "type": "object",
        "required": ["prediction"],
        "properties": {
            "prediction": value, "lower": number, "upper": number,
            "probabilities": {"type": "object", "additionalProperties": number},
            "explanation": {"type": "array", "items": effect}, "note": {"type": "string"},
        },
    }  # fmt: skip
    return {
        "type": "object",
        "required": ["target", "predictions"],
        "properties": {
            "target": {"type": "string"}, "predictions": {"type": "array", "items": one},
        },
    }  # fmt: skip
