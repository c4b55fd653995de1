"""Options stated once: name, type, default and one line of help -> signatures, checks, settings.

The options of a public function are the keys of a TypedDict, each ``Annotated[type, Option(...)]``.
What ``help()`` shows, the defaults, the check of names, the options of the command line and the
keys of its config file are all made from it. Knows nothing of what an option does.
"""

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ForwardRef, Literal, cast, get_args

from adbudget.errors import InputError, nearest


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """How an option is written on the command line.

    Attributes
    ----------
    kind : what the text is; "names" is a comma-separated list, "pairs" is NAME=VALUE, repeatable,
        a "share" may be written 0.2 or 20%, and a "switch" has no text: --name or --no-name
    metavar : what stands for the value in help
    flag : "" makes it of the name, ``--value-per-unit``
    choices : the values there are, for the kind "choice"
    """

    kind: Literal[
        "text", "number", "share", "whole number", "choice", "names", "pairs", "file", "switch"
    ]
    metavar: str = ""
    flag: str = ""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """What is stated of one option.

    Attributes
    ----------
    help : one line, without a full stop
    default : what holds when it is not given
    shell : how the command line writes it; None leaves it to Python and config files
    type : its type as written, taken from the TypedDict
    """

    help: str
    default: object = None
    shell: Shell | None = None
    type: str = ""


def options_of(*statements: type) -> dict[str, Option]:
    """Name -> Option of every key of some TypedDicts, in order."""
    found: dict[str, Option] = {}
    for statement in statements:
        for name, annotation in statement.__annotations__.items():
            stated, option = get_args(annotation)
            quoted = isinstance(stated, ForwardRef)
            text = stated.__forward_arg__ if quoted else inspect.formatannotation(stated)
            found[name] = replace(cast(Option, option), type=text)
    return found


class _AsWritten(str):
    """A type in a signature: shown without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def takes[F: Callable[..., object]](statement: type) -> Callable[[F], F]:
    """Fill the ``**options`` of a function with the defaults of a statement, and show its names.

    Parameters
    ----------
    statement : TypedDict that the function unpacks into ``**options``; inside, every key is there

    Raises
    ------
    InputError : when called with a name that is not stated; the nearest one is named
    """
    options = options_of(statement)
    defaults = {name: option.default for name, option in options.items()}

    def decorate(function: F) -> F:
        signature = inspect.signature(function)
        own = [one for one in signature.parameters.values() if one.kind is not one.VAR_KEYWORD]
        known = (*(one.name for one in own), *options)

        @functools.wraps(function)
        def call(*args: object, **given: object) -> object:
            check_names(given, known, f"{function.__name__}()")
            return function(*args, **(defaults | given))

        keywords = [
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=option.default,
                annotation=_AsWritten(option.type),
            )
            for name, option in options.items()
        ]
        shown = signature.replace(parameters=[*own, *keywords])
        setattr(call, "__signature__", shown)  # noqa: B010 - a function declares no such attribute
        return cast(F, call)

    return decorate


def part_of[T](statement: type[T], options: Mapping[str, Any]) -> T:
    """Those of the options that a statement knows, to be unpacked into the function that takes it.

    Parameters
    ----------
    statement : a TypedDict
    options : keys of it, and others
    """
    return cast(T, {name: options[name] for name in options_of(statement) if name in options})


def check_names(given: Iterable[str], known: Iterable[str], where: str) -> None:
    """Refuse names nobody knows, and say what was probably meant.

    Raises
    ------
    InputError : names the unknown ones, the nearest known one of each, and all that are known
    """
    known = tuple(known)
    unknown = [name for name in given if name not in known]
    if not unknown:
        return
    near = [nearest(name, known) for name in unknown]
    guesses = [
        f"{name!r} (did you mean {match!r}?)" if match else repr(name)
        for name, match in zip(unknown, near, strict=True)
    ]
    raise InputError(f"{where}: unknown {', '.join(guesses)}. Known are {', '.join(known)}.")
