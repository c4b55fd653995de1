"""Path, text or mapping -> plain values, keys as written. Knows nothing of what they mean."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from adbudget.errors import InputError, PolicyError
from adbudget.tables.documents import parse_document, read_document

FILE_ENDINGS = (".yaml", ".yml", ".json")


def read_policy_document(source: Any) -> dict[str, Any]:
    """Read a policy: a path, the text itself (YAML or JSON), or a mapping.

    Text is what holds a line break or a ": "; everything else is a path.

    Raises
    ------
    PolicyError : nothing there, not readable, not a mapping, or a key written twice
    """
    if isinstance(source, Mapping):
        return _checked(dict(source), "the policy")
    if not isinstance(source, str | Path):
        raise PolicyError(
            f"a policy must be a path, YAML text or a mapping; got {type(source).__name__}."
        )
    is_text = isinstance(source, str) and ("\n" in source or ": " in source or "{" in source)
    where = "the policy" if is_text else str(source)
    try:
        if is_text:
            document = parse_document(str(source), where)
        else:
            document = read_document(Path(source), endings=FILE_ENDINGS, kind="a policy file")
    except InputError as error:
        raise PolicyError(str(error)) from error
    return _checked(document, where)


def _checked(document: Any, where: str) -> dict[str, Any]:
    if document is None or document == {}:
        raise PolicyError(f"{where} is empty; a policy needs at least one key, such as rules.")
    if not isinstance(document, dict):
        raise PolicyError(
            f"{where} must be a mapping of keys to values, such as 'target_cpl: $50'; got a "
            f"{type(document).__name__}."
        )
    bad = [key for key in document if not isinstance(key, str)]
    if bad:
        raise PolicyError(f"{where}: keys must be text; got {bad[0]!r}. Write it in quotes.")
    return document
