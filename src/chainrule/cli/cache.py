"""``chainrule cache``: what compiled code lies on disk, and how to be rid of it."""

from __future__ import annotations

from datetime import datetime

import typer

from ..backends import code_cache
from ..config import config
from .console import console, table

cache_app = typer.Typer(help="Compiled code that is kept on disk.", no_args_is_help=True)


@cache_app.command()
def info() -> None:
    """Show where the files are, how many, and how large."""
    files, unfinished = list(code_cache.entries()), list(code_cache.unfinished())
    out = console()
    out.say(f" folder      {code_cache.directory()}")
    grid = table("", "", show_header=False, box=None)
    grid.add_row("files", str(len(files)))
    size = sum(size for _, size, _ in [*files, *unfinished]) / 2**20
    grid.add_row("size", f"{size:.1f} MiB")
    if unfinished:
        grid.add_row("unfinished", f"{len(unfinished)} (of killed processes they go in an hour)")
    limit = f"{config.cache} MiB (CHAINRULE_CACHE)" if config.cache else "off (CHAINRULE_CACHE=0)"
    grid.add_row("limit", limit)
    if files:
        newest = datetime.fromtimestamp(max(used for _, _, used in files))
        grid.add_row("last used", newest.strftime("%Y-%m-%d %H:%M"))
    out.print(grid)
    reason = code_cache.unusable(code_cache.directory())
    if reason is not None:
        out.say(f"The folder is not used: {reason}")


@cache_app.command()
def clear() -> None:
    """Remove all files; they are made again when needed."""
    count = code_cache.clear()
    typer.echo(f"removed {count} file{'' if count == 1 else 's'}")
