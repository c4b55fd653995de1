"""``python -m adbudget``: the command line."""

from adbudget.cli import main

if __name__ == "__main__":
    main()
