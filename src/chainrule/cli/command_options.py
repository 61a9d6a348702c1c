"""Options of the training commands, each declared once.

From a declaration follow the option that Typer shows and reads, the estimator's parameter, and the
words of the command that trains the same model again.
"""

from __future__ import annotations

import inspect
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from ..errors import DataError

INSERTED_BEFORE = "test_fraction"  # which all training commands have
# Groups of options in the help
DATA, COLUMNS, SPLITS, MODEL, OUTPUT = "Data", "Columns", "Splits and checks", "Model", "Output"
SEARCH = "Search"
PANELS = (DATA, COLUMNS, SEARCH, SPLITS, MODEL, OUTPUT)  # in their order


def unchanged(value: Any) -> Any:
    """Return the value itself."""
    return value


@dataclass(frozen=True)
class CommandOption:
    """One option of a training command.

    Attributes
    ----------
    name : str
        Without dashes in front, such as ``"batch-size"``.
    parameter : str
        The parameter of the estimator that it sets.
    type : type
        As Typer takes it; ``bool`` makes a switch.
    default : object
    help : str
    min, max : float or None
        Bounds of a number, which Typer checks.
    choices : tuple of str
        All values that are allowed; empty: any.
    short : tuple of str
        Further names, such as ``("-t",)``.
    parse : callable
        From the value on the command line to that of the parameter; it may raise a `DataError`.
    write : callable
        The way back, for the command that trains the same model again.
    panel : str
        The group in the help; see `options`.
    metavar : str or None
        What stands for the value in the help. Default: N or X of numbers, NAME of choices.
    """

    name: str
    parameter: str
    type: Any
    default: Any
    help: str
    min: float | None = None
    max: float | None = None
    choices: tuple[str, ...] = ()
    short: tuple[str, ...] = ()
    parse: Callable[[Any], Any] = unchanged
    write: Callable[[Any], Any] = unchanged
    panel: str = MODEL
    metavar: str | None = None

    @property
    def argument(self) -> str:
        """The name of the function argument by which Typer passes the value."""
        return self.name.replace("-", "_")

    def signature(self) -> inspect.Parameter:
        """The argument of a command function, with what Typer needs to know."""
        option = typer.Option(
            f"--{self.name}", *self.short, help=self.help, min=self.min, max=self.max,
            rich_help_panel=self.panel, metavar=self.metavar or self._usual_metavar(),
        )  # fmt: skip
        return inspect.Parameter(
            self.argument, inspect.Parameter.KEYWORD_ONLY, default=self.default,
            annotation=Annotated[self.type, option],
        )  # fmt: skip

    def _usual_metavar(self) -> str | None:
        """What stands for the value, short: names of options are cut beside long ones."""
        if self.choices:
            return "NAME"
        kinds = {int: "N", int | None: "N", float: "X", float | None: "X"}
        return next((text for kind, text in kinds.items() if kind == self.type), None)

    def value(self, arguments: Mapping[str, Any]) -> Any:
        """The parameter's value, from all arguments of the command function."""
        value = arguments[self.argument]
        if self.choices and value not in self.choices:
            *others, last = self.choices
            raise DataError(f"--{self.name} {value}: give {', '.join(others)} or {last}")
        return self.parse(value)


def learning_rate(
    default: float | None, help: str, parameter: str = "learning_rate"
) -> CommandOption:
    """Declare ``--learning-rate``; None leaves the default to the estimator."""

    def parse(rate: float | None) -> float | None:
        if rate is not None and not 0 < rate < 1e3:
            raise DataError(f"--learning-rate {rate:g}: give a positive number, such as 0.01")
        return rate

    kind: Any = float | None if default is None else float
    return CommandOption("learning-rate", parameter, kind, default, help, parse=parse)


ARRAYS = (
    CommandOption(
        "x", "x", str | None, None,
        "Of an NPZ file: the array of inputs. [default: x_train and x_test, or x]", panel=DATA,
    ),
    CommandOption(
        "y", "y", str | None, None, "Of an NPZ file: the array of what to predict.", panel=DATA,
    ),
)  # fmt: skip


def array_names(data: str, x: str | None, y: str | None) -> dict[str, str]:
    """The names that were given with ``--x`` and ``--y``, which are for NPZ files alone."""
    if x is None and y is None:
        return {}
    if x is None or y is None:
        raise DataError("give both --x and --y, the names of the inputs' and the answers' array")
    if not data.lower().endswith(".npz"):
        raise DataError(f"--x and --y name arrays of an NPZ file, and {data} is none")
    return {"x": x, "y": y}


def parameter_values(
    options: Sequence[CommandOption], arguments: Mapping[str, Any]
) -> dict[str, Any]:
    """The estimator's parameters that a command's arguments set."""
    return {option.parameter: option.value(arguments) for option in options}


def make_command(
    run: Callable[..., None],
    options: Sequence[CommandOption],
    replaced: Mapping[str, Any] | None = None,
    doc: str | None = None,
) -> Callable[..., None]:
    """Make a command function, for Typer, of a function that takes more options by ``**``.

    Parameters
    ----------
    run : callable
        Its arguments are options as Typer takes them; those of `options` come by ``**``.
    options : sequence of CommandOption
        In the help they stand before ``--test-fraction``, if they are of one panel.
    replaced : mapping of str to annotation, optional
        Annotations for arguments of `run` in place of its own.
    doc : str, optional
        The help text. Default: that of `run`.
    """
    replaced = {} if replaced is None else replaced
    arguments = [
        parameter.replace(
            kind=inspect.Parameter.KEYWORD_ONLY,
            annotation=replaced.get(parameter.name, parameter.annotation),
        )
        for parameter in inspect.signature(run, eval_str=True).parameters.values()
        if parameter.kind is not inspect.Parameter.VAR_KEYWORD
    ]
    position = [parameter.name for parameter in arguments].index(INSERTED_BEFORE)
    declared = [option.signature() for option in options]

    def command(**arguments: Any) -> None:
        run(**arguments)

    ordered = [*arguments[:position], *declared, *arguments[position:]]
    signature = inspect.Signature(sorted(ordered, key=_panel_order))
    command.__signature__ = signature  # type: ignore[attr-defined]
    command.__doc__ = doc or run.__doc__
    return command


def _panel_order(parameter: inspect.Parameter) -> int:
    """Where the panel of an option stands in the help; what has none comes first."""
    (option,) = parameter.annotation.__metadata__
    panel = option.rich_help_panel
    return PANELS.index(panel) + 1 if panel in PANELS else 0


def command_line(words: Sequence[str], options: Mapping[str, Any]) -> str:
    """A command to be pasted into a shell.

    Options that are None or False are left out, True is a switch, and a tuple repeats its option.

    Examples
    --------
    >>> command_line(["chainrule", "train", "a b.csv"], {"ema": 0.998, "drop": ("x", "y")})
    "chainrule train 'a b.csv' --ema 0.998 --drop x --drop y"
    """
    parts = list(words)
    for name, value in options.items():
        for each in value if isinstance(value, tuple) else (value,):
            if each is True:
                parts.append(f"--{name}")
            elif each is not None and each is not False:
                parts += [f"--{name}", str(each)]
    return shlex.join(parts)
