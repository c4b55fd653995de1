from .opening import (
    known_platforms as known_platforms,
    open_platform as open_platform,
)
from .platform import (
    BudgetOrder as BudgetOrder,
    OrderAnswer as OrderAnswer,
    Performance as Performance,
    Platform as Platform,
    StandingBudget as StandingBudget,
)
