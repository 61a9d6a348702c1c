"""`chainrule export`: a saved model in a format that other programs run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..errors import DataError
from . import models
from .console import complain
from .keeping import check_apart, check_writable
from .options import Model

FORMATS = ("onnx",)


def export(
    model: Model,
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write.")],
    form: Annotated[str, typer.Option("--format", help="onnx")] = "onnx",
) -> None:
    """Write a saved model as ONNX, which runs without chainrule and without Python.

    Needs the package onnx: `pip install 'chainrule[onnx]'`.

    **Examples**

    `chainrule export houses.safetensors -o houses.onnx`
    """
    if form not in FORMATS:
        raise DataError(f"--format {form}: give {' or '.join(FORMATS)}")
    check_apart({"--output": output}, [model])
    check_writable(output)
    loaded = models.load(model)
    try:
        loaded.save_onnx(output)
    except OSError as error:
        raise DataError(
            f"cannot write {output}: {error.strerror or error}; choose another place with --output"
        ) from error
    size = output.stat().st_size  # 0 of what is no file
    complain(f"wrote {output} ({size / 1024:,.0f} KiB), for onnxruntime and the like")
