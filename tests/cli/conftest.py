"""The command line, called in this process."""

import sys

import pytest

from adbudget import cli


@pytest.fixture
def call(capsys, monkeypatch):
    """Exit code, standard output and standard error of one call."""

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["adbudget", *map(str, arguments)])
        code = 0
        try:
            cli.main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return code, out, err

    return run
