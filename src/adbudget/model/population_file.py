"""Population <-> one file of some kilobytes: plain arrays and one JSON text. No pickles."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from adbudget.errors import FileFormatError
from adbudget.model.archive import priors_of, read_archive, tuples, write_archive
from adbudget.model.population import KEPT_DRAWS, Population

FORMAT = "adbudget-population"
FORMAT_VERSION = 1
ARRAYS = ("positions", "basis_mean", "bursts", "retention", "mix")
TEXTS = ("channels", "unit_value", "margin", "currency", "period_days", "versions")


def save(population: Population, path: Path) -> None:
    """Write a population, its draws thinned; names of accounts stay out of it."""
    step = max(1, len(population.positions) // KEPT_DRAWS)
    kept = replace(population, positions=population.positions[::step][:KEPT_DRAWS])
    text: dict[str, Any] = {"format": FORMAT, "format_version": FORMAT_VERSION}
    text |= {name: getattr(kept, name) for name in TEXTS}
    text["priors"] = asdict(kept.priors)
    write_archive(path, text, {name: np.asarray(getattr(kept, name)) for name in ARRAYS})


def load(path: Path) -> Population:
    """Read what :func:`save` wrote.

    Raises
    ------
    FileFormatError : not such a file, damaged, or written by another version
    FileNotFoundError : there is no such file
    """
    text, arrays = read_archive(path, FORMAT, "population", "fit.population.save(path)")
    if text["format_version"] != FORMAT_VERSION:
        raise FileFormatError(
            f"{path} was written by another adbudget (format {text['format_version']}, this one "
            f"reads {FORMAT_VERSION}). Learn the population again, or use that version."
        )
    try:
        return Population(
            priors=priors_of(text["priors"]),
            **{name: arrays[name] for name in ARRAYS},
            **{name: tuples(text[name]) for name in TEXTS},
        )
    except (KeyError, TypeError) as error:
        raise FileFormatError(
            f"{path} is a saved population with a part missing ({error}). Save it again."
        ) from error
