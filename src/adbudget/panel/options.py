"""The options of read_panel, stated once. Imports nothing heavy, for the command line."""

from typing import TYPE_CHECKING, Annotated, Literal, TypedDict

from adbudget.options import Option, Shell

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping
    from datetime import date

    from adbudget.tables.frames import ByAccount

PERIODS = ("daily", "weekly", "monthly")


class PanelOptions(TypedDict, total=False):
    """Options of :func:`adbudget.read_panel`, which says in full what each does."""

    columns: Annotated[
        "Mapping[str, Hashable] | None",
        Option(
            help="Column that is the account, channel, date, spend, outcome or currency",
            shell=Shell(kind="pairs", metavar="ROLE=NAME"),
        ),
    ]
    channels: Annotated[
        "Iterable[Hashable] | None",
        Option(
            help="Spend columns of a wide table, or channels of a long one to keep",
            shell=Shell(kind="names", metavar="A,B,C"),
        ),
    ]
    controls: Annotated[
        "Iterable[Hashable] | None",
        Option(
            help="Columns that move the outcome too", shell=Shell(kind="names", metavar="A,B,C")
        ),
    ]
    holidays: Annotated[
        "ByAccount[str] | None",
        Option(
            help="Country whose public holidays are a control, e.g. DE or DE-BY",
            shell=Shell(kind="text", metavar="COUNTRY"),
        ),
    ]
    layout: Annotated[
        "str | None",
        Option(
            help="Which export the tables are, a .toml file, or none; by their titles if not given",
            shell=Shell(kind="text", metavar="NAME"),
        ),
    ]
    channel_of: Annotated[
        "Mapping[str, str] | None",
        Option(
            help="Channel that the rows of a channel or campaign are summed to, with * in names; - "
            "leaves them out",
            shell=Shell(kind="pairs", metavar="NAME=CHANNEL"),
        ),
    ]
    account_of: Annotated[
        "Mapping[str, str] | None",
        Option(
            help="Account that rows of an account belong to, with * in names; - leaves them out",
            shell=Shell(kind="pairs", metavar="NAME=ACCOUNT"),
        ),
    ]
    duplicates: Annotated[
        Literal["error", "sum"],
        Option(
            help="Several rows for one account, channel and date: refuse or sum them",
            default="error",
            shell=Shell(kind="choice", choices=("error", "sum")),
        ),
    ]
    decimal: Annotated[
        Literal[".", ","] | None,
        Option(
            help="Decimal sign of a column that does not show it, such as one of 1.234",
            shell=Shell(kind="choice", choices=(".", ",")),
        ),
    ]
    dayfirst: Annotated[
        "bool | None",
        Option(
            help="Whether 03/04/2024 is the third of April; decided by the column if not given",
            shell=Shell(kind="switch"),
        ),
    ]
    resample: Annotated[
        Literal["weekly", "monthly"] | None,
        Option(
            help="Sum days or weeks to this period",
            shell=Shell(kind="choice", choices=("weekly", "monthly")),
        ),
    ]
    freq: Annotated[
        "str | None",
        Option(
            help="Length of a period; found in the dates if not given",
            shell=Shell(kind="choice", choices=PERIODS),
        ),
    ]
    currency: Annotated[
        "ByAccount[str] | None",
        Option(
            help="Currency of every account, e.g. EUR", shell=Shell(kind="text", metavar="CODE")
        ),
    ]
    value_per_unit: Annotated[
        "ByAccount[float] | None",
        Option(
            help="Money that one unit of the outcome is worth",
            shell=Shell(kind="number", metavar="NUMBER"),
        ),
    ]
    margin: Annotated[
        "ByAccount[float] | None",
        Option(
            help="Share of the outcome's money that is margin, e.g. 0.4; all of it if not given",
            shell=Shell(kind="share", metavar="SHARE"),
        ),
    ]
    missing_spend: Annotated[
        Literal["error", "zero"],
        Option(
            help="What missing spend inside a channel's life means",
            default="error",
            shell=Shell(kind="choice", choices=("error", "zero")),
        ),
    ]
    out_of_line: Annotated[
        Literal["keep", "mask"],
        Option(
            help="Rows with a value far out of line: keep them, or leave them out of the fit",
            default="keep",
            shell=Shell(kind="choice", choices=("keep", "mask")),
        ),
    ]
    today: Annotated[
        "date | str | None",
        Option(
            help="Day on which the tables are read; rows of later periods are refused",
            shell=Shell(kind="text", metavar="DATE"),
        ),
    ]
