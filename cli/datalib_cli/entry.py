"""Where ``datalib`` starts. ``--version`` answers before anything heavy is imported."""

import os
import sys

INTERRUPTED = 130  # what shells report for Ctrl-C
UNREAD = 141  # what shells report for SIGPIPE


def main() -> None:
    """Run the command line and exit with its status."""
    if sys.argv[1:] == ["--version"]:
        from datalib import __version__

        sys.stdout.write(f"datalib {__version__}\n")
        return
    try:
        from datalib.lean import begin_lean
        from datalib_cli.app import run

        begin_lean()
        status = run(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has what it wanted, as in `datalib show … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = UNREAD
    except KeyboardInterrupt:  # before there is anything to finish; later `run` answers it
        status = INTERRUPTED
    sys.exit(status)


if __name__ == "__main__":
    main()
