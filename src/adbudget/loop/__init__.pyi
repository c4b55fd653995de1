from .applying import (
    Applied as Applied,
    Made as Made,
    apply_changes as apply_changes,
)
from .cycle import (
    run_cycle as run_cycle,
)
from .cycle_report import (
    CycleReport as CycleReport,
)
from .settings import (
    LoopSettings as LoopSettings,
)
from .sources import (
    Feed as Feed,
    PlatformOutcome as PlatformOutcome,
    QuerySource as QuerySource,
    Source as Source,
    TableSource as TableSource,
)
from .state import (
    LoopState as LoopState,
    open_state as open_state,
)
