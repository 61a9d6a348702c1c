"""What a server asks a model: which columns it reads, and what it says of rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from ..errors import DataError
from ..estimators.tabular.input_columns import (
    InputColumn,
    frame_of_records,
    input_columns,
    saved_summary,
)
from ..estimators.tabular.row_predictions import Asked, predict_rows

MOST_CHARACTERS = 1_000_000  # of a text


@dataclass(frozen=True, eq=False)
class Served(ABC):
    """A model that rows can be sent to.

    Attributes
    ----------
    model : estimator
    name, target : str
        Of the model's file, and of what it predicts.
    columns : tuple of InputColumn
        That each row must have.
    classes : tuple
        Those that it tells apart; empty of a regressor.
    """

    model: Any
    name: str
    target: str
    columns: tuple[InputColumn, ...]
    classes: tuple[Any, ...]
    tabular: ClassVar[bool]  # whether it knows intervals, explanations and thresholds

    @abstractmethod
    def check(self, asked: Asked) -> None:
        """Refuse with a `DataError` what the model cannot say."""

    @abstractmethod
    def answer(self, rows: Sequence[Mapping[str, Any]], asked: Asked) -> list[dict[str, Any]]:
        """An object of JSON for each row."""


class ServedTable(Served):
    """A model of tables."""

    tabular = True

    def check(self, asked: Asked) -> None:
        """Refuse with a `DataError` what the model cannot say."""
        asked.check(self.model)

    def answer(self, rows: Sequence[Mapping[str, Any]], asked: Asked) -> list[dict[str, Any]]:
        """An object of JSON for each row."""
        frame = frame_of_records(self.model, rows)
        answers = predict_rows(self.model, frame, asked, saved_summary(self.model))
        objects: list[dict[str, Any]] = []
        for k, value in enumerate(answers.values.tolist()):
            one: dict[str, Any] = {"prediction": value}
            if answers.lower is not None and answers.upper is not None:
                one |= {"lower": float(answers.lower[k]), "upper": float(answers.upper[k])}
            if answers.proba is not None:
                one["probabilities"] = _by_class(self.classes, answers.proba[k])
            if answers.effects is not None:
                one["explanation"] = answers.effects[k].to_json()
            if answers.notes[k]:
                one["note"] = answers.notes[k]
            objects.append(one)
        return objects


class ServedTexts(Served):
    """A model of texts; the only column of its rows is the text."""

    tabular = False

    def check(self, asked: Asked) -> None:
        """Refuse with a `DataError` what the model cannot say."""
        if asked != Asked(proba=asked.proba):
            raise DataError("of a model of texts only probabilities can be asked for")

    def answer(self, rows: Sequence[Mapping[str, Any]], asked: Asked) -> list[dict[str, Any]]:
        """An object of JSON for each row."""
        texts = [_text(row[self.columns[0].name], k) for k, row in enumerate(rows)]
        proba = self.model.predict_proba(texts)
        values = self.model.classes_[proba.argmax(axis=1)].tolist()
        if not asked.proba:
            return [{"prediction": value} for value in values]
        return [
            {"prediction": value, "probabilities": _by_class(self.classes, each)}
            for value, each in zip(values, proba, strict=True)
        ]


def served_model(model: Any, name: str) -> Served:
    """The model as a server asks it; a `DataError` says of which kind it is, if it cannot be."""
    card = getattr(model, "card_", None) or {}
    target = str(card.get("target", "prediction"))
    classes = tuple(model.classes_.tolist()) if hasattr(model, "classes_") else ()
    if hasattr(model, "features_"):
        return ServedTable(model, name, target, input_columns(model), classes)
    if hasattr(model, "attribute"):
        column = InputColumn(str(card.get("text", "text")), "text", examples=("some words",))
        return ServedTexts(model, name, target, (column,), classes)
    raise DataError(
        f"{name} is a {type(model).__name__}: chainrule serve is for models of tables and texts"
    )


def _by_class(classes: Sequence[Any], proba: Any) -> dict[str, float]:
    return {str(name): float(p) for name, p in zip(classes, proba, strict=True)}


def _text(cell: Any, row: int) -> str:
    if cell is None:
        return ""
    if not isinstance(cell, str):
        raise DataError(f"row {row + 1} is {cell!r:.40}, a {type(cell).__name__}: give a text")
    if len(cell) > MOST_CHARACTERS:
        raise DataError(f"the text of row {row + 1} has more than {MOST_CHARACTERS} characters")
    return cell
