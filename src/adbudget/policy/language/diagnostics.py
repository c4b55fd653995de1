"""What is wrong with a trigger -> PolicyError that names the rule and the column."""

from dataclasses import dataclass

from adbudget.errors import PolicyError

SHOWN = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Text of a trigger and what messages call the rule it belongs to."""

    text: str
    where: str

    def error(self, column: int, message: str) -> PolicyError:
        """The error to raise: where, column, then the message."""
        text = self.text if len(self.text) <= SHOWN else self.text[:SHOWN] + "..."
        return PolicyError(f"{self.where}: trigger {text!r}, column {column}: {message}")
