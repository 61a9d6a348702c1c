"""`chainrule listen`: which command was spoken in each recording."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from .. import escape
from ..data.audio import read_audio
from ..errors import DataError
from ..starting import MISTAKE
from . import models
from .console import complain, console, table
from .options import AsJson, Model


def listen(
    model: Model,
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Recordings: WAV, FLAC, Ogg, ...")
    ],
    most: Annotated[
        int, typer.Option("--top", min=1, help="Likeliest commands to tell of each.")
    ] = 1,
    as_json: AsJson = False,
) -> None:
    """Tell which command is spoken in each recording, and how probable that is.

    A file that cannot be read is told of, the others are listened to, and the exit code is 2.

    **Examples**

    `chainrule listen commands.safetensors yes.wav no.flac`

    `chainrule listen commands.safetensors recordings/*.wav --top 3`
    """
    loaded = models.load(model)
    if not hasattr(loaded, "sample_rate_"):
        raise DataError(f"{model} does not listen: give a model of chainrule train audio")
    sounds: list[tuple[Path, Any]] = []
    wrong = 0
    for path in files:
        try:
            sounds.append((path, read_audio(path)))
        except DataError as error:
            wrong += 1
            complain(f"chainrule: {error}", style="red")
    commands = likeliest_commands(loaded, sounds, most)
    if as_json:
        print(escape.as_json(commands))
    elif commands:
        show(commands)
    if wrong:
        sys.exit(MISTAKE)


def likeliest_commands(
    loaded: Any, sounds: list[tuple[Path, Any]], most: int
) -> list[dict[str, Any]]:
    """Each file, with the likeliest commands and their probabilities."""
    if not sounds:
        return []
    probabilities = loaded.predict_proba([sound for _, sound in sounds])
    classes = loaded.classes_.tolist()
    return [
        {
            "file": str(path),
            "commands": [
                {"command": classes[k], "probability": round(float(row[k]), 4)}
                for k in np.argsort(-row, kind="stable")[:most]
            ],
        }
        for (path, _), row in zip(sounds, probabilities, strict=True)
    ]


def show(commands: list[dict[str, Any]]) -> None:
    """A line for each file and command."""
    rows = table("file", "command", "probability", right=(2,), box=None, pad_edge=False)
    for each in commands:
        name = each["file"]
        for command in each["commands"]:
            rows.add_row(name, str(command["command"]), f"{command['probability']:.4f}")
            name = ""
    console().print(rows)
