"""Path, text or mapping -> plain values, keys as written. Knows nothing of what they mean."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from adbudget.errors import PolicyError

FILE_ENDINGS = (".yaml", ".yml", ".json")


def read_document(source: Any) -> dict[str, Any]:
    """Read a policy: a path, the text itself (YAML or JSON), or a mapping.

    Text is what holds a line break or a ": "; everything else is a path.

    Raises
    ------
    PolicyError : nothing there, not readable, not a mapping, or a key written twice
    """
    if isinstance(source, Mapping):
        return _checked(dict(source), "the policy")
    if isinstance(source, str) and ("\n" in source or ": " in source or "{" in source):
        return _checked(_parse(source, "the policy"), "the policy")
    if not isinstance(source, str | Path):
        raise PolicyError(
            f"a policy must be a path, YAML text or a mapping; got {type(source).__name__}."
        )
    path = Path(source)
    if path.suffix.lower() not in FILE_ENDINGS:
        raise PolicyError(f"{path}: a policy file ends in .yaml, .yml or .json.")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as cause:
        raise PolicyError(f"{path} does not exist. Check the spelling and the folder.") from cause
    except OSError as cause:
        raise PolicyError(f"{path} cannot be read: {cause.strerror or cause}.") from cause
    except UnicodeDecodeError as cause:
        raise PolicyError(f"{path} is not UTF-8 text; save it as UTF-8.") from cause
    return _checked(_parse(text, str(path)), str(path))


def _parse(text: str, where: str) -> Any:
    import yaml

    class Strict(yaml.SafeLoader):
        """YAML that refuses a key written twice instead of keeping the last."""

    def mapping(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict:
        seen: dict[Any, int] = {}
        for key_node, _ in node.value:
            key = str(getattr(key_node, "value", ""))
            line = key_node.start_mark.line + 1
            if key in seen:
                raise PolicyError(
                    f"{where}: the key {key!r} is written twice, in lines {seen[key]} and {line}. "
                    "Keep one."
                )
            seen[key] = line
        return loader.construct_mapping(node, deep=True)

    Strict.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, mapping)
    try:
        return yaml.load(text, Loader=Strict)
    except (yaml.YAMLError, ValueError, RecursionError) as cause:
        if isinstance(cause, PolicyError):
            raise
        told = " ".join(str(cause).split()) or type(cause).__name__
        raise PolicyError(f"{where} cannot be read as YAML: {told}.") from cause


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
        raise PolicyError(
            f"{where}: keys must be text; got {bad[0]!r}. YAML reads on, off, yes and no as "
            "true or false: write such a key in quotes."
        )
    return document
