"""How shells ask what may stand at the cursor: their scripts, and the answers. Click knows commands and choices."""

import os
import sys
from typing import Any, Final

from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    split_arg_string,
)

from datalib_cli.app import PROGRAM, VARIABLE


class Bash(BashComplete):
    """Click's, but for codes with a colon: bash takes ``train:asr`` for three words, and wants the last one back."""

    source_template = """\
%(complete_func)s() {
    local IFS=$'\\n' line word before='' type value
    line="${COMP_LINE:0:COMP_POINT}"
    word="${line##*[[:space:]]}"
    [[ $word == --*=* ]] && word="${word#*=}"
    [[ $COMP_WORDBREAKS == *:* && $word == *:* ]] && before="${word%%"${word##*:}"}"
    COMPREPLY=()
    while IFS=',' read -r type value; do
        case $type in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain) COMPREPLY+=("${value#"$before"}") ;;
        esac
    done < <(env COMP_LINE="$line" %(complete_var)s=bash_complete "$1" 2>/dev/null)
}

complete -o nosort -F %(complete_func)s %(prog_name)s
"""

    def get_completion_args(self) -> tuple[list[str], str]:
        """Part the line, as far as the cursor, into whole words and the one that is begun."""
        line = os.environ["COMP_LINE"]
        words = split_arg_string(line)[1:]
        if not words or line[-1:].isspace():
            return words, ""
        return words[:-1], words[-1]


class _WholeWords(ShellComplete):
    """For shells to which ``--option=value`` is one word: the option stands before each value that is offered."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[Any]]:
        """Complete a word."""
        found = super().get_completions(args, incomplete)
        name, equals, _ = incomplete.partition("=")
        if equals and name.startswith("--"):
            for item in found:
                item.value = f"{name}={item.value}" if item.type == "plain" else item.value
        return found


class Zsh(_WholeWords, ZshComplete):
    """Click's, with options as above."""


class Fish(_WholeWords, FishComplete):
    """Click's, with options as above, and with values and texts that hold commas."""

    source_template = FishComplete.source_template.replace('string split ","', 'string split -m 1 ","')


SHELLS: Final[dict[str, type[ShellComplete]]] = {"bash": Bash, "zsh": Zsh, "fish": Fish}


def script(shell: str) -> str:
    """Give the script of a shell of ``SHELLS``."""
    found = SHELLS[shell](PROGRAM, {}, "datalib", VARIABLE)
    return found.source_template % found.source_vars()  # Click's `source` asks the bash of this machine for its age


def answer(instruction: str, lang: str) -> int:
    """Answer the script of a shell, whose words stand in the environment; give the exit status."""
    shell = instruction.removesuffix("_complete")
    if shell not in SHELLS:
        return 1
    found = SHELLS[shell](PROGRAM, {"obj": lang}, "datalib", VARIABLE).complete()
    sys.stdout.buffer.write(found.encode("utf-8", "backslashreplace") + b"\n")
    return 0
