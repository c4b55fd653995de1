"""What a caller may hand over as a table, or as a value for each account: types only."""

from collections.abc import Mapping
from typing import Protocol

import pandas as pd


class ConvertsToPandas(Protocol):
    """A frame of another library, such as polars."""

    @property
    def columns(self) -> object:
        """Names of the columns."""
        ...

    def to_pandas(self) -> pd.DataFrame:
        """The same table as a pandas frame."""
        ...


type FrameLike = pd.DataFrame | ConvertsToPandas
type ByAccount[T] = T | Mapping[str, T] | pd.Series
