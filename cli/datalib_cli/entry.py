"""Where ``datalib`` starts. ``--version`` answers before anything heavy is imported."""

import sys


def main() -> None:
    """Run the command line and exit with its status."""
    if sys.argv[1:] == ["--version"]:
        from datalib import __version__

        sys.stdout.write(f"datalib {__version__}\n")
        return
    from datalib_cli.app import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
