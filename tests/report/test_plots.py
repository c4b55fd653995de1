"""A plot is one file and one line of the stub."""

from pathlib import Path

from adbudget.report import plots

FOLDER = Path(plots.__file__).parent


def test_every_file_of_plots_offers_a_plot_and_every_plot_is_found():
    stub = (FOLDER / "__init__.pyi").read_text("utf-8")
    for path in FOLDER.glob("[!_]*.py"):
        assert f"from .{path.stem} import plot_" in stub
    assert dir(plots)
    assert all(name.startswith("plot_") and callable(getattr(plots, name)) for name in dir(plots))
