"""Where ``datalib`` starts. ``--version`` answers before anything heavy is imported."""

import os
import sys

UNREAD = 141  # what shells report for SIGPIPE


def main() -> None:
    """Run the command line and exit with its status."""
    if sys.argv[1:] == ["--version"]:
        from datalib import __version__

        sys.stdout.write(f"datalib {__version__}\n")
        return
    from datalib.lean import begin_lean
    from datalib_cli.app import run

    begin_lean()
    try:
        status = run(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has what it wanted, as in `datalib show … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = UNREAD
    sys.exit(status)


if __name__ == "__main__":
    main()
