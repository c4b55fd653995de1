"""Fit <-> one file: a compressed archive of plain arrays and one JSON text. No pickles."""

from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from adbudget.draws import Health
from adbudget.errors import FileFormatError
from adbudget.model.archive import priors_of, read_archive, tuples, write_archive
from adbudget.model.baseline import find_baseline
from adbudget.model.design import CommonMovement, Design
from adbudget.model.evidence import Baseline, Evidence, gather
from adbudget.model.lift_rows import with_tests
from adbudget.model.lift_tests import LiftTests
from adbudget.model.posterior import Posterior
from adbudget.model.priors import Priors
from adbudget.model.row_noise import RowNoise
from adbudget.panel.panel import Note, Panel

FORMAT = "adbudget-fit"
FORMAT_VERSION = 6
EXAMPLE = "shops.fit"  # name of a file, in messages


def save(fit: Posterior, path: Path) -> None:
    """Write a fit; the file appears whole or not at all.

    Raises
    ------
    InputError : it cannot be written there
    """
    text, arrays = {"format": FORMAT, "format_version": FORMAT_VERSION}, {}
    for name in ("seed", "engine", "versions", "forgetting"):
        text[name] = getattr(fit, name)
    text["priors"] = asdict(fit.priors)
    arrays["positions"] = fit.positions
    arrays |= {f"stats.{name}": values for name, values in fit.sample_stats.items()}
    for prefix, record in (
        ("panel", fit.panel),
        ("design", fit.evidence.design),
        ("noise", fit.noise),
    ):
        _split(prefix, record, text, arrays)
    if fit.lift_history is not None:
        arrays["lift_history"] = fit.lift_history
    if fit.evidence.baseline is not None:
        _split("baseline", fit.evidence.baseline, text, arrays)
    if fit.known_drift is not None:
        arrays |= {f"drift.{name}": column.to_numpy() for name, column in fit.known_drift.items()}
    if fit.evidence.tests is not None:
        _split("lift_tests", fit.evidence.tests.tests, text, arrays)
    text["panel.notes"] = [asdict(note) for note in fit.panel.notes]
    _split_health(fit.health, text, arrays)
    write_archive(path, text, arrays)


def load[P: Posterior](kind: type[P], path: Path) -> P:
    """Read what :func:`save` wrote, as a ``kind`` of posterior.

    What was searched for is in the file; what is only added up is added up again, which takes a
    moment, where storing it would double the size of a wide panel's file.

    Raises
    ------
    FileFormatError : not such a file, damaged, or written by another version
    FileNotFoundError : there is no such file
    """
    text, arrays = _read(path)
    try:
        panel = _join(Panel, "panel", text, arrays)
        design = _join(Design, "design", text, arrays)
        noise = _join(RowNoise, "noise", text, arrays)
        priors = priors_of(text["priors"])
        return kind(
            panel=panel,
            priors=priors,
            evidence=_evidence(panel, design, noise, priors, text, arrays),
            positions=arrays["positions"],
            sample_stats={
                name.removeprefix("stats."): values
                for name, values in arrays.items()
                if name.startswith("stats.")
            },
            health=_join_health(design, text, arrays),
            noise=noise,
            seed=text["seed"],
            engine=text["engine"],
            versions=text["versions"],
            forgetting=text["forgetting"],
            lift_history=arrays.get("lift_history"),
            known_drift=_join_drift(panel, arrays),
        )
    except (KeyError, TypeError) as error:
        raise FileFormatError(
            f"{path} is a saved fit with a part missing ({error}). Save it again."
        ) from error


def _evidence(
    panel: Panel, design: Design, noise: RowNoise, priors: Priors, text: dict, arrays: dict
) -> Evidence:
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="blas"):  # small matrices: threads only wait
        rows = gather(panel, design, noise=noise, half_life_days=text["forgetting"])
        evidence = with_tests(rows, _join_tests(text, arrays), panel.unit_value)
        if "baseline.scales" in text:
            return replace(evidence, baseline=_join(Baseline, "baseline", text, arrays))
        return replace(evidence, baseline=find_baseline(evidence, priors))


def _join_drift(panel: Panel, arrays: dict) -> pd.DataFrame | None:
    prefix = "drift."
    columns = {
        name.removeprefix(prefix): values
        for name, values in arrays.items()
        if name.startswith(prefix)
    }
    index = pd.Index(panel.channels, name="channel")
    return pd.DataFrame(columns, index=index) if columns else None


def _read(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    text, arrays = read_archive(path, FORMAT, "fit", "fit.save(path)")
    if text["format_version"] > FORMAT_VERSION:
        raise FileFormatError(
            f"{path} was written by a newer adbudget (format {text['format_version']}, this one "
            f"reads {FORMAT_VERSION}). Upgrade adbudget."
        )
    if text["format_version"] < FORMAT_VERSION:
        # What was drawn then are parameters of another model: they cannot be translated.
        raise FileFormatError(
            f"{path} was written by an earlier adbudget (format {text['format_version']}, this one "
            f"reads {FORMAT_VERSION}), whose model was another. Fit the panel again and save that."
        )
    return text, arrays


def _split(prefix: str, record: Any, text: dict, arrays: dict) -> None:
    """Fields of a record: arrays to the archive, everything else to the text."""
    for field in fields(record):
        value = getattr(record, field.name)
        if isinstance(value, np.ndarray):
            # Dates travel as day numbers, so that no reader has to guess their unit.
            is_date = value.dtype.kind == "M"
            days = value.astype("datetime64[D]").astype(np.int64) if is_date else value
            arrays[f"{prefix}.{field.name}{'@date' if is_date else ''}"] = days
        elif isinstance(value, CommonMovement):
            _split(f"{prefix}.{field.name}", value, text, arrays)
        else:
            text[f"{prefix}.{field.name}"] = value if field.name != "notes" else []


def _join(kind: type, prefix: str, text: dict, arrays: dict) -> Any:
    """A record from its parts."""
    values: dict[str, Any] = {}
    for field in fields(kind):
        key = f"{prefix}.{field.name}"
        if f"{key}@date" in arrays:
            values[field.name] = arrays[f"{key}@date"].astype("datetime64[D]")
        elif key in arrays:
            values[field.name] = arrays[key]
        elif field.name == "notes":
            values["notes"] = tuple(Note(**note) for note in text[key])
        elif field.name == "movement":
            values["movement"] = _join(CommonMovement, key, text, arrays)
        else:
            values[field.name] = tuples(text[key])
    return kind(**values)


def _join_tests(text: dict, arrays: dict) -> LiftTests | None:
    has_tests = "lift_tests.account" in text
    return _join(LiftTests, "lift_tests", text, arrays) if has_tests else None


def _split_health(health: Health, text: dict, arrays: dict) -> None:
    for field in fields(health):
        value = getattr(health, field.name)
        if isinstance(value, pd.Series):
            arrays[f"health.{field.name}"] = value.to_numpy()
        else:
            text[f"health.{field.name}"] = value


def _join_health(design: Design, text: dict, arrays: dict) -> Health:
    account, channel = np.argwhere(design.exists).T
    cells = pd.MultiIndex.from_arrays(
        [np.array(design.accounts)[account], np.array(design.channels)[channel]],
        names=["account", "channel"],
    )
    index = {"prior_share": cells, "fit_r2": pd.Index(design.accounts, name="account")}
    values: dict[str, Any] = {}
    for field in fields(Health):
        key = f"health.{field.name}"
        values[field.name] = (
            pd.Series(arrays[key], index=index[field.name], name=field.name)
            if key in arrays
            else tuples(text.get(key) if field.name == "n_kept" else text[key])
        )
    return Health(**values)
