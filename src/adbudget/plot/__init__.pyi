from .ahead import (
    forecast as forecast,
    forecast_data as forecast_data,
)
from .beliefs import (
    prior_posterior as prior_posterior,
    prior_posterior_data as prior_posterior_data,
    shrinkage as shrinkage,
    shrinkage_data as shrinkage_data,
)
from .budgets import (
    policy as policy,
    policy_data as policy_data,
)
from .contributions import (
    contribution as contribution,
    contribution_data as contribution_data,
    contribution_share as contribution_share,
    share_data as share_data,
    waterfall as waterfall,
)
from .cycles import (
    backtest as backtest,
    backtest_data as backtest_data,
    cycle as cycle,
    cycle_data as cycle_data,
    gains as gains,
    gains_data as gains_data,
    promises as promises,
    promises_data as promises_data,
)
from .flights import (
    pacing as pacing,
    pacing_data as pacing_data,
)
from .landing import (
    carry_over as carry_over,
    carry_over_data as carry_over_data,
    landing_days as landing_days,
)
from .past import (
    history as history,
    history_data as history_data,
)
from .portfolio import (
    allocation as allocation,
    allocation_data as allocation_data,
    changes as changes,
    changes_data as changes_data,
    portfolio as portfolio,
    portfolio_data as portfolio_data,
)
from .response import (
    curves as curves,
    curves_data as curves_data,
    marks_data as marks_data,
)
from .returns import (
    marginal as marginal,
    marginal_data as marginal_data,
    roi as roi,
    roi_data as roi_data,
)
from .trade_off import (
    frontier as frontier,
    frontier_data as frontier_data,
)
from .trust import (
    health as health,
    health_data as health_data,
)
