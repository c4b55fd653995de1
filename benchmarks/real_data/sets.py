"""The public sets: what each is, where it can be got, which files. Reads and copies none of them.

The data are not part of the project, as their licences differ.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER_VARIABLE = "ADBUDGET_DATA"
DEFAULT_FOLDER = ROOT.parent / "shared" / "data"  # beside the checkout


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSet:
    """One public set.

    Attributes
    ----------
    name : key in ``SETS``
    title : for readers
    files : paths inside the data folder
    real : measured, not simulated
    what : rows and columns, in words
    source : where it can be got
    licence : as published
    """

    name: str
    title: str
    files: tuple[str, ...]
    real: bool
    what: str
    source: str
    licence: str


SETS = {
    one.name: one
    for one in (
        DataSet(
            name="conjura",
            title="Conjura ecommerce",
            files=("conjura_ecommerce_daily.csv.gz",),
            real=True,
            what="4 daily series of 3 brands, 367 to 883 days, up to 9 channels; a part of the "
            "published file, each series without its last 91 days",
            source="[figshare 25314841](https://figshare.com/articles/dataset/"
            "Multi-Region_Marketing_Mix_Modeling_MMM_Dataset_for_Several_eCommerce_Brands/25314841)",
            licence="CC BY 4.0",
        ),
        DataSet(
            name="lydia",
            title="Lydia E. Pinkham Medicine Company",
            files=("lydia_pinkham_annual.csv",),
            real=True,
            what="advertising and sales, 54 years, 1907 to 1960",
            source="[`pinkham` of the R package mAr](https://rdrr.io/cran/mAr/man/pinkham.html)",
            licence="GPL",
        ),
        DataSet(
            name="dietary",
            title="Dietary product",
            files=("fma_advsales.csv",),
            real=True,
            what="advertising and sales, 36 months; neither dates nor units are published",
            source="[`advsales` of the R package fma](https://rdrr.io/cran/fma/man/advsales.html)",
            licence="GPL",
        ),
        DataSet(
            name="mmm_simple",
            title="mmm_simple",
            files=("mmm_simple/mmm_data.csv", "mmm_simple/channel_contributions.csv"),
            real=False,
            what="1 account, 104 weeks, 4 channels, with the true contribution of each week",
            source="example data of [pymc-labs](https://github.com/pymc-labs)",
            licence="none stated",
        ),
        DataSet(
            name="meridian",
            title="Meridian geo media",
            files=("meridian_geo_media.csv",),
            real=False,
            what="20 geos x 156 weeks, 4 channels, 2 controls; the truth is not published",
            source="[google/meridian](https://github.com/google/meridian)",
            licence="Apache-2.0",
        ),
        DataSet(
            name="robyn",
            title="Robyn simulated weekly",
            files=("robyn_simulated_weekly.csv",),
            real=False,
            what="1 account, 208 weeks, 5 paid channels; the truth is not published",
            source="[facebookexperimental/Robyn](https://github.com/facebookexperimental/Robyn)",
            licence="MIT",
        ),
    )
}


def data_folder(asked: Path | None = None) -> Path:
    """The folder asked for, else that of ADBUDGET_DATA, else ``../shared/data``.

    It may not exist.
    """
    return (asked or Path(os.environ.get(FOLDER_VARIABLE, DEFAULT_FOLDER))).resolve()


def missing_files(folder: Path, name: str) -> list[str]:
    """Files of a set that the folder does not hold."""
    return [file for file in SETS[name].files if not (folder / file).is_file()]


def content_hash(folder: Path, name: str) -> str:
    """Short hash of the set's files, so that a result knows which data made it."""
    digest = hashlib.sha256()
    for file in SETS[name].files:
        digest.update((folder / file).read_bytes())
    return digest.hexdigest()[:12]
