"""What the commands share: options, printing, and how a user's mistake ends."""

from __future__ import annotations

import errno
import functools
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from pipelines.engine import ENGINE_KINDS
from schemas.errors import PedCorpusError

CONFIG = click.Path(path_type=Path)


_SURROUNDINGS = (
    *(errno.ENOSPC, errno.EDQUOT, errno.EIO),
    *(errno.EACCES, errno.EROFS, errno.EPERM, errno.EMFILE, errno.ENFILE),
    *(errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG, errno.ELOOP),
)
"""Faults of the disk, of rights and of names: not ours, so they end in a sentence."""


def user_errors(command: Callable[..., Any]) -> Callable[..., Any]:
    """A user's mistake ends in its sentence and exit code 2; anything else is a bug and keeps its traceback."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except PedCorpusError as error:
            click.echo(f"Error: {error}", err=True)
            sys.exit(error.exit_code)
        except OSError as error:
            if error.errno is None or error.errno not in _SURROUNDINGS:
                raise
            where = f" {error.filename}" if error.filename else ""
            click.echo(f"Error:{where}: {os.strerror(error.errno)}. Nothing that was published is touched; mend that "
                       "and run the same command again, it goes on from where it was.", err=True)  # fmt: skip
            sys.exit(2)
        except KeyboardInterrupt:
            click.echo("Stopped. Run the same command again to go on from where it was.", err=True)
            sys.exit(130)

    return run


def json_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON document for programs.")(command)


def version_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--store`, for commands over versions."""
    store = click.option(
        "--store", type=CONFIG, default=Path("store"), show_default=True, help="The store that versions are in."
    )
    return store(command)


def engine_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--engine` and `--address`."""
    kind = click.option(
        "--engine", type=click.Choice(ENGINE_KINDS), help="Where the work is done; overrides the configuration."
    )
    address = click.option(
        "--address", metavar="HOST:PORT", help="A running Ray cluster to join, or `auto`; implies --engine ray."
    )
    return kind(address(command))


def engine_settings(kind: str | None, workers: int | None, address: str | None) -> dict[str, Any] | None:
    """What the command line says of the engine; None: nothing."""
    given = {"kind": kind or ("ray" if address else None), "workers": workers, "address": address}
    return {key: value for key, value in given.items() if value is not None} or None


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))
