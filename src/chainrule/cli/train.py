"""`chainrule train`: a command for each kind of data; without a kind, DATA is a table."""

from __future__ import annotations

import typer

from .default_command import DefaultCommandGroup
from .options import TRAIN_COMMANDS, ReportCommand
from .train_audio import AUDIO
from .train_images import IMAGES
from .train_table import train
from .train_text import TEXT
from .train_timeseries import train_command

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

    DATA is a table unless one of the kinds below stands in front of it. Each kind has options of
    its own: those of tables are shown by `chainrule train table --help`, those of images by
    `chainrule train images --help`, and so on.

    **Examples**

    `chainrule train digits --report`

    `chainrule train houses.csv --target price --as zip=text`

    `chainrule train images flowers/ --flip`

    `chainrule train timeseries GunPoint_TRAIN.ts`
    """


KINDS = "Kinds of data"
train_app.command("table", cls=ReportCommand, rich_help_panel=KINDS)(train)
for kind in RAW_KINDS:
    train_app.command(kind.name, cls=ReportCommand, rich_help_panel=KINDS)(kind.command())
train_app.command("timeseries", cls=ReportCommand, rich_help_panel=KINDS)(train_command)
