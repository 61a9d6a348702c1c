"""`chainrule train`: a command for each kind of data; without a kind, DATA is a table."""

from __future__ import annotations

import typer

from .default_command import DefaultCommandGroup
from .options import TRAIN_COMMANDS, ReportCommand
from .train_audio import AUDIO
from .train_images import IMAGES
from .train_table import train
from .train_text import TEXT

RAW_KINDS = (IMAGES, AUDIO, TEXT)
DEFAULT = TRAIN_COMMANDS[0]


class TrainGroup(DefaultCommandGroup):
    """The commands of `chainrule train`, of which that for tables need not be named."""

    default = DEFAULT


train_app = typer.Typer(
    name="train",
    cls=TrainGroup,
    rich_markup_mode="markdown",
    subcommand_metavar=f"[{'|'.join(TRAIN_COMMANDS)}] DATA ...",
)


@train_app.callback()
def _group() -> None:
    """Train a network, test it on what it has not seen, and save it.

    DATA is a table (a CSV, TSV or Parquet file, or a built-in set), unless images, audio or text
    stand in front of it. The options of each are told by `chainrule train table --help`,
    `chainrule train images --help` and so on.

    **Examples**

    `chainrule train digits --report`

    `chainrule train houses.csv --target price --hidden-layer-sizes 256,128`

    `chainrule train images flowers/ --flip`
    """


train_app.command("table", cls=ReportCommand)(train)
for kind in RAW_KINDS:
    train_app.command(kind.name, cls=ReportCommand)(kind.command())
