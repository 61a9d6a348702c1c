"""`chainrule serve`: a saved model behind HTTP, for programs on this machine."""

from __future__ import annotations

from typing import Annotated

import typer

from ..lazy import LazyModule
from ..web.requirements import check_installed
from . import models
from .console import complain, console
from .options import Model

served = LazyModule("chainrule.web.served")
server = LazyModule("chainrule.web.server")


def serve(
    model: Model,
    port: Annotated[
        int, typer.Option("--port", "-p", min=0, max=65535, help="0 is any that is free.")
    ] = 8000,
) -> None:
    """Answer requests for predictions, from this machine alone, until Ctrl-C.

    POST /predict takes rows as JSON, such as [{"area": 80, "town": "Rome"}], and gives a prediction
    for each; ?proba=true, ?interval=0.9 and ?explain=true ask for more. GET /openapi.json describes
    it all, and GET / shows an example.

    **Examples**

    `chainrule serve houses.safetensors`

    `chainrule serve reviews.safetensors --port 0`
    """
    check_installed()
    loaded = models.load(model)
    models.refuse_detector(loaded, model)
    models.refuse_forecaster(loaded, model)
    described = served.served_model(loaded, str(model.name))
    server.serve(described, port, console().say)
    complain("chainrule: stopped")
