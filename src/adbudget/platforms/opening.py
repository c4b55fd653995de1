"""Address -> the platform there. Every kind, the package's own too, is found by its entry point.

A package offers a platform by an entry point in the group ``adbudget.platforms``: its name is what
addresses begin with, before the first colon or plus sign, and it leads to a function that takes
the whole address and a token, or None, and gives a :class:`Platform`.
"""

from importlib.metadata import EntryPoint, entry_points

from adbudget.errors import InputError, nearest
from adbudget.platforms.platform import Platform

GROUP = "adbudget.platforms"
FORMS = "file:FOLDER, sqlite:///FILE, postgresql+psycopg://USER@HOST/DATABASE, https://HOST"


def known_platforms() -> tuple[str, ...]:
    """Kinds of addresses that :func:`open_platform` knows here, sorted.

    Examples
    --------
    >>> from adbudget.platforms import known_platforms
    >>> "sqlite" in known_platforms()
    True
    """
    return tuple(sorted(_found()))


def open_platform(address: str, *, token: str | None = None) -> Platform:
    """Platform of an address.

    Parameters
    ----------
    address : "file:FOLDER", "sqlite:///FILE", "postgresql+psycopg://USER@HOST/DATABASE",
        "https://HOST", or NAME:... of a package that has an entry point of this name
    token : key to the platform, for those that ask for one

    Raises
    ------
    InputError : no platform is known by what the address begins with, or it refuses the rest
    PlatformError : the platform cannot be opened

    Examples
    --------
    >>> from adbudget.platforms import create_platform_tables, open_platform
    >>> _ = create_platform_tables("sqlite:///platform.db")
    >>> list(open_platform("sqlite:///platform.db").budgets())
    []
    """
    kind, colon, _ = str(address).partition(":")
    kind = kind.partition("+")[0].lower()  # "postgresql+psycopg" names the driver, too
    found = _found()
    if not colon or kind not in found:
        near = nearest(kind, found)
        hint = f" Did you mean {near}:...?" if near and colon else ""
        raise InputError(
            f"no platform is known by {kind if colon else ''!r}, which the address begins with. "
            f"Installed are {', '.join(f'{name}:' for name in sorted(found)) or 'none'}. Use "
            f"{FORMS}, or install the package with the entry point ({GROUP}).{hint}"
        )
    return found[kind].load()(address, token)


def _found() -> dict[str, EntryPoint]:
    """Entry points by name; two packages that offer the same name are told apart by a refusal."""
    found: dict[str, EntryPoint] = {}
    for entry in entry_points(group=GROUP):
        other = found.setdefault(entry.name, entry)
        if other.value != entry.value:
            raise InputError(
                f"two packages offer a platform called {entry.name!r}: {other.value} and "
                f"{entry.value}. Uninstall one of them."
            )
    return found
