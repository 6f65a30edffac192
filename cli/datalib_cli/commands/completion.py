"""``datalib completion``: a script for a shell."""

import click

from datalib_cli.base import Command, Output
from datalib_cli.completing import SHELLS, script


@click.command("completion", cls=Command)
@click.argument("shell", type=click.Choice(tuple(SHELLS)))
def command(shell: str) -> Output:
    """Print a script that lets a shell complete commands, options and codes.

    bash: write it to ~/.local/share/bash-completion/completions/datalib. zsh: to a file _datalib in a folder of $fpath.
    fish: to ~/.config/fish/completions/datalib.fish. The script asks datalib itself, and stays right when datalib is
    updated.
    """
    return Output(data={}, document=[script(shell).encode()])
