"""Words of a benchmark's command line -> the names they choose."""

from collections.abc import Sequence


def names_of(text: str, known: Sequence[str], what: str) -> list[str]:
    """Names with commas, or all of them.

    Raises
    ------
    SystemExit : a name nobody knows
    """
    names = list(known) if text == "all" else text.split(",")
    unknown = [name for name in names if name not in known]
    if unknown:
        raise SystemExit(f"--{what}: unknown {unknown}; choose from {', '.join(known)}, or all.")
    return names
