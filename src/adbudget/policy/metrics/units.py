"""Units of figures: money, counts, time, and plain numbers that take the unit of their partner.

Knows nothing of text or readings.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """Powers of money, counts and days; a plain number has none and fits any of them.

    Attributes
    ----------
    money, count, days : power of each; cost per lead is money 1, count -1
    plain : a number written without a unit, which takes the unit of what it meets
    """

    money: int = 0
    count: int = 0
    days: int = 0
    plain: bool = False

    def fits(self, other: "Unit") -> bool:
        """Whether the two may be added or compared.

        Money per lead fits money, because "spend > 3 * cpl" is a sound question; a share does not
        fit a count.
        """
        if self.plain or other.plain:
            return True
        if (self.money, self.days) != (other.money, other.days):
            return False
        return self.money != 0 or self.days != 0 or self.count == other.count

    def __mul__(self, other: "Unit") -> "Unit":
        return Unit(
            money=self.money + other.money,
            count=self.count + other.count,
            days=self.days + other.days,
            plain=self.plain and other.plain,
        )

    def __truediv__(self, other: "Unit") -> "Unit":
        return Unit(
            money=self.money - other.money,
            count=self.count - other.count,
            days=self.days - other.days,
            plain=self.plain and other.plain,
        )

    def __str__(self) -> str:
        if self.plain:
            return "a plain number"
        powers = {"money": self.money, "count": self.count, "days": self.days}
        above = [_powered(name, power) for name, power in powers.items() if power > 0]
        below = [_powered(name, -power) for name, power in powers.items() if power < 0]
        if not above and not below:
            return "a share or ratio"
        return (" x ".join(above) or "1") + "".join(f" per {part}" for part in below)


def _powered(name: str, power: int) -> str:
    return name if power == 1 else f"{name}^{power}"


PLAIN = Unit(plain=True)
RATIO = Unit()
MONEY = Unit(money=1)
COUNT = Unit(count=1)
DAYS = Unit(days=1)
MONEY_PER_COUNT = MONEY / COUNT
