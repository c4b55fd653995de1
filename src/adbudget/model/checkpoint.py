"""Chains that are finished -> a folder, and back: what a fit that was stopped goes on from."""

import hashlib
import re
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

import numpy as np

from adbudget.errors import InputError
from adbudget.model.archive import read_archive, write_archive
from adbudget.model.block import pack
from adbudget.model.factor import Likelihood
from adbudget.model.priors import Priors
from adbudget.model.sampler import RawSample, SamplerSettings, join_chains

FORMAT = "adbudget-chain"
FILE = re.compile(r"run-\d+-chain-\d+\.chain")
REMEDY = "the same call of fit, once the file is removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunChains:
    """The finished chains of one run of the sampler.

    Attributes
    ----------
    folder, number : where they are, and which run of the fit it is
    of : digest of all that their draws depend on
    """

    folder: Path
    number: int
    of: str

    def path(self, chain: int) -> Path:
        """File of a chain."""
        return self.folder / f"run-{self.number}-chain-{chain}.chain"

    def has(self, chain: int) -> bool:
        """Whether a chain is kept."""
        return self.path(chain).exists()

    def keep(self, chain: int, sample: RawSample) -> None:
        """Keep one chain of a sample, whole or not at all.

        Raises
        ------
        InputError : the disk refuses
        """
        if self.has(chain):
            return
        arrays = {name: getattr(sample, name)[chain] for name in RawSample.__slots__}
        write_archive(self.path(chain), {"format": FORMAT, "of": self.of}, arrays, small=False)

    def known(self, n_chains: int) -> dict[int, RawSample]:
        """Chain -> its draws, of those that an earlier start of the same fit has finished.

        Raises
        ------
        InputError : they are of another fit
        FileFormatError : a file is damaged
        """
        found = {}
        for chain in range(n_chains):
            if not self.has(chain):
                continue
            text, arrays = read_archive(self.path(chain), FORMAT, "chain", REMEDY)
            if text["of"] != self.of:
                raise InputError(
                    f"checkpoint {str(self.folder)!r} holds chains of a fit of other data, priors, "
                    "seed, settings or versions. Name another folder, or remove this one."
                )
            found[chain] = RawSample(**{name: values[None] for name, values in arrays.items()})
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A folder that holds the finished chains of one fit, until the fit is there.

    Attributes
    ----------
    folder : path
    of : digest of data, priors and sampler
    """

    folder: Path
    of: str

    def run(self, number: int, seed: int, settings: SamplerSettings) -> RunChains:
        """Chains of one run: each the same, however many others run and on however many cores."""
        alike = replace(settings, chains=0, cores=None)
        digest = hashlib.blake2b(f"{self.of} {seed} {alike}".encode(), digest_size=16)
        return RunChains(folder=self.folder, number=number, of=digest.hexdigest())

    def clear(self) -> None:
        """Remove the chains: the fit is there."""
        for path in self.folder.iterdir():
            if FILE.fullmatch(path.name):
                path.unlink()
        with suppress(OSError):  # somebody else has put something there
            self.folder.rmdir()


def open_checkpoint(
    folder: Path, likelihood: Likelihood, priors: Priors, engine: str
) -> Checkpoint:
    """The folder, new or of an earlier start of the same fit.

    Parameters
    ----------
    folder : made when missing
    likelihood, priors : all that the density reads
    engine : which samples it

    Raises
    ------
    InputError : it holds other files, or cannot be made
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        others = [path.name for path in folder.iterdir() if not FILE.fullmatch(path.name)]
    except OSError as cause:
        raise InputError(
            f"checkpoint {str(folder)!r} cannot be made: {cause.strerror or cause}. Name a folder "
            "that can be written."
        ) from cause
    others = [name for name in others if not name.startswith(".run-")]  # a write that was killed
    if others:
        raise InputError(
            f"checkpoint {str(folder)!r} holds other files, first {others[0]!r}. Name a folder of "
            "its own, which is made when it is missing."
        )
    seen = hashlib.blake2b(pack(likelihood, priors).view(np.uint8).data, digest_size=16)
    made_by = " ".join(f"{name} {version(name)}" for name in ("adbudget", "nutpie", "numpy"))
    return Checkpoint(folder=folder, of=f"{seen.hexdigest()} {engine} {made_by}")


def whole_run(known: dict[int, RawSample], settings: SamplerSettings) -> RawSample | None:
    """The run, where every chain of it is known."""
    if len(known) < settings.chains:
        return None
    return join_chains([known[chain] for chain in range(settings.chains)])
