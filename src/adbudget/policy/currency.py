"""One currency for a policy and what it is applied to. Knows no amounts."""

from adbudget.errors import PolicyError
from adbudget.policy.language.vocabulary import CURRENCIES_OF
from adbudget.policy.rulebook import Policy


def check_currency(policy: Policy, code: str | None, what: str) -> None:
    """Refuse amounts of two currencies, which cannot be compared.

    Parameters
    ----------
    policy : its amounts are in ``policy.currency``, a sign or an ISO code, or in none
    code : ISO code of the money it is to be applied to; None or "" when unknown
    what : how messages call that money, e.g. "the campaign table"

    Raises
    ------
    PolicyError : the two differ
    """
    own = policy.currency
    if code and own and code != own and code not in CURRENCIES_OF.get(own, ()):
        raise PolicyError(
            f"the policy's amounts are in {own} and {what} is in {code}; amounts of two currencies "
            "cannot be compared. Use a policy for each currency."
        )
