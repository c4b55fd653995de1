"""Sizes of a panel and of a sample -> the memory that a fit takes at most, beside what there is.

Counted in the numbers that a fit holds at once; ``benchmarks/bench_memory.py`` holds the count to
what fits have taken. Knows nothing of what the numbers mean.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from adbudget.errors import OutOfMemoryError
from adbudget.model.design import adstock_grid
from adbudget.model.layout import Layout
from adbudget.model.priors import Priors
from adbudget.panel.panel import Panel

TABLES, SAMPLER = 200e6, 420e6  # bytes of a process that has loaded what reads, and what samples
NUMBER = 8  # bytes
KEPT_GRAMS = 7  # sums over rows that are held at once, as autocorrelations are tried
DRAW_COPIES = 3  # of all positions: as nutpie keeps them, as it hands them over, and ours
CELL_COPIES = 12  # of a number by draw and cell, on the way to curves and in checking the chains
MAX_KEPT_DRAWS, MAX_KEPT_NUMBERS = 4000, 10_000_000
MEGABYTE = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class FitSize:
    """How large a fit is.

    Attributes
    ----------
    accounts, cells, parameters : how many
    gram : numbers in the sums over rows of all accounts
    factor : numbers that the density reads
    curves : numbers that say the curve of one cell in one draw: returns, adstocks, shapes
    grid : basis curves of one cell that plans know
    draws : over all chains
    """

    accounts: int
    cells: int
    parameters: int
    gram: int
    factor: int
    curves: int
    grid: int
    draws: int

    def of(self, draws: int) -> "FitSize":
        """The same fit with another number of draws."""
        return replace(self, draws=draws)

    @property
    def kept(self) -> int:
        """Draws that are kept."""
        return min(self.draws, most_kept(self.parameters))

    @property
    def gathering(self) -> float:
        """Bytes while the history is added up."""
        return TABLES + NUMBER * KEPT_GRAMS * self.gram

    @property
    def checking(self) -> float:
        """Bytes while draws are handed over and the chains are checked."""
        return SAMPLER + NUMBER * (self._sampling + self._by_draw)

    @property
    def _sampling(self) -> float:
        return self.gram + 2.0 * self.factor

    @property
    def _by_draw(self) -> float:
        positions = DRAW_COPIES * self.draws * self.parameters
        cells = (self.curves + CELL_COPIES) * self.draws * self.cells
        return positions + cells

    @property
    def deciding(self) -> float:
        """Bytes while plans are searched on the draws that are kept."""
        cells = (self.curves + self.grid + CELL_COPIES) * self.kept * self.cells
        return SAMPLER + NUMBER * (self.gram + self.kept * self.parameters / 2 + cells)

    @property
    def needed(self) -> float:
        """Bytes of the whole process, at its largest."""
        return max(self.gathering, self.checking, self.deciding)

    @property
    def without_draws(self) -> float:
        """Bytes that it would need however few the draws."""
        return max(self.gathering, SAMPLER + NUMBER * self._sampling)


def most_kept(n_parameters: int) -> int:
    """How many draws are kept at most, so that a saved fit stays under 40 MB."""
    return min(MAX_KEPT_DRAWS, max(1, MAX_KEPT_NUMBERS // n_parameters))


def size_of_fit(panel: Panel, priors: Priors, draws: int) -> FitSize:
    """Count what a fit of a panel holds.

    Parameters
    ----------
    panel, priors : as they are fitted
    draws : over all chains
    """
    exists = np.any(panel.live, axis=2)
    n_cells, n_accounts = exists.sum(axis=1), len(panel.accounts)
    n_adstocks = adstock_grid(priors, panel.period_days)[1].shape[0]
    n_concave = len(priors.half_saturation)
    n_shapes = n_concave + len(priors.s_shaped)
    rows = np.isfinite(panel.outcome).sum(axis=1)
    columns = n_cells * n_adstocks * n_shapes
    rank = np.minimum(columns, rows).max(initial=0)
    layout = Layout(len(panel.channels), n_accounts, int(n_cells.sum()))
    return FitSize(
        accounts=n_accounts,
        cells=int(n_cells.sum()),
        parameters=layout.size,
        gram=int(np.square(1.0 + _baseline(panel, priors) + columns).sum()),
        factor=int(n_accounts * columns.max(initial=0) * rank),
        curves=2 + n_adstocks + n_shapes,
        grid=n_adstocks * n_concave,
        draws=draws,
    )


def _baseline(panel: Panel, priors: Priors) -> np.ndarray:
    """(account,) about how many columns its base sales have."""
    days = (panel.last - panel.first) * panel.period_days
    order = 4 if priors.season_order is None else priors.season_order
    fixed = 2 + 2 * order + 7 * (panel.period == "daily") + len(panel.controls)
    return fixed + np.ceil(days / priors.trend_knot_days)


def available_bytes(root: Path = Path("/")) -> float | None:
    """Memory that this process may hold in all, in bytes; None where the system does not say.

    What it holds, and the least of what the machine has left, swap included, and of what the groups
    that the process is in (containers, batch systems) have left of their limits.

    Parameters
    ----------
    root : of the file systems /proc and /sys, as Linux has them
    """
    left = [_left_of_machine(root), *_left_of_groups(root)]
    known = [one for one in left if one is not None]
    held = 1024.0 * _fields(root / "proc/self/status").get("VmRSS", 0)
    return held + max(0.0, min(known)) if known else None


def has_room(size: FitSize, root: Path = Path("/")) -> bool:
    """Whether there is memory for a fit, as far as the system says."""
    available = available_bytes(root)
    return available is None or size.needed <= available


def check_memory(size: FitSize, root: Path = Path("/")) -> None:
    """Refuse a fit that cannot fit into memory, before minutes go into it.

    Parameters
    ----------
    size : of the fit
    root : as in :func:`available_bytes`; where that is not known, nothing is refused

    Raises
    ------
    OutOfMemoryError : says what is needed, what there is, and what helps
    """
    available = available_bytes(root)
    if available is None or size.needed <= available:
        return
    fewer = "take fewer draws (draws, chains); " if size.without_draws < available else ""
    raise OutOfMemoryError(
        f"This fit needs about {_megabytes(size.needed)} of memory ({size.accounts:,} accounts, "
        f"{size.cells:,} account-channels, {size.draws:,} draws), and the process can have "
        f"{_megabytes(available)}. What helps: {fewer}fit some of the accounts, and each of the "
        "others with what those have in common (population=fit.population); or learn all of them "
        "in shards, which need no more memory the more accounts there are: adbudget recommend "
        "FOLDER --workers 1 --out FOLDER.",
        needed=size.needed,
        available=available,
    )


def _megabytes(size: float) -> str:
    return f"{size / MEGABYTE:,.0f} MB"


def _left_of_machine(root: Path) -> float | None:
    found = _fields(root / "proc/meminfo")
    if "MemAvailable" not in found:
        return None
    return 1024.0 * (found["MemAvailable"] + found.get("SwapFree", 0))


def _left_of_groups(root: Path) -> list[float]:
    """What is left of the limit of every control group around the process, versions 1 and 2."""
    left = []
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, kinds, path = line.split(":", 2)
        if kinds in ("", "memory"):
            top = root / "sys/fs/cgroup" / kinds
            group = top / path.strip("/")
            # In a container the path may be that of the host: then the top is the group itself.
            group = group if group.is_dir() else top
            while True:
                left.append(_left_of_group(group))
                if group == top:
                    break
                group = group.parent
    return [one for one in left if one is not None]


def _left_of_group(group: Path) -> float | None:
    for limit, used, cache in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        most, now = _text(group / limit).strip(), _text(group / used).strip()
        if most.isdigit() and now.isdigit():  # "max" is no limit
            given_back = _fields(group / "memory.stat").get(cache, 0)  # as soon as it is asked for
            return float(most) - float(now) + given_back
    return None


def _fields(path: Path) -> dict[str, int]:
    """Name -> number, of a file of lines such as "MemAvailable:  123 kB"."""
    parts = [line.replace(":", " ").split() for line in _text(path).splitlines()]
    return {one[0]: int(one[1]) for one in parts if len(one) > 1 and one[1].isdigit()}


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
