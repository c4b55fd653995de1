from .file_platform import (
    FilePlatform as FilePlatform,
)
from .http_platform import (
    HttpPlatform as HttpPlatform,
)
from .opening import (
    known_platforms as known_platforms,
    open_platform as open_platform,
)
from .platform import (
    BudgetOrder as BudgetOrder,
    OrderAnswer as OrderAnswer,
    OutcomeReport as OutcomeReport,
    Performance as Performance,
    Platform as Platform,
    StandingBudget as StandingBudget,
)
from .rules import (
    PlatformRules as PlatformRules,
)
from .simulated import (
    SimulatedPlatform as SimulatedPlatform,
    daily_spec as daily_spec,
)
from .sql_platform import (
    SqlPlatform as SqlPlatform,
    create_platform_tables as create_platform_tables,
)
