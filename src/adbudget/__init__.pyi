from . import plot as plot
from .backtesting import (
    HistoryBacktest as HistoryBacktest,
    WorldBacktest as WorldBacktest,
    backtest as backtest,
    backtest_world as backtest_world,
)
from .decision.action import (
    Action as Action,
    Decision as Decision,
)
from .decision.decisions import (
    Decisions as Decisions,
    decide as decide,
)
from .decision.thresholds import Thresholds as Thresholds
from .draws import (
    CurveDraws as CurveDraws,
    Health as Health,
)
from .errors import (
    AdbudgetError as AdbudgetError,
    FileFormatError as FileFormatError,
    FitError as FitError,
    InfeasibleError as InfeasibleError,
    InputError as InputError,
    KillSwitchError as KillSwitchError,
    LedgerConflictError as LedgerConflictError,
    LedgerError as LedgerError,
    OutOfMemoryError as OutOfMemoryError,
    PlatformError as PlatformError,
    PolicyError as PolicyError,
    SellerError as SellerError,
    SellerSilentError as SellerSilentError,
)
from .experiments import (
    TestPlan as TestPlan,
    plan_tests as plan_tests,
)
from .forecasting import (
    Forecast as Forecast,
    TargetPlan as TargetPlan,
    forecast as forecast,
    reach_target as reach_target,
)
from .ledger.store import (
    Ledger as Ledger,
    open_ledger as open_ledger,
)
from .model.fit import (
    Fit as Fit,
    fit as fit,
)
from .model.population import (
    Population as Population,
)
from .model.predict import (
    prior_predictive as prior_predictive,
)
from .model.priors import (
    Priors as Priors,
)
from .model.scores import (
    predictive_scores as predictive_scores,
)
from .optimizer import (
    Proposal as Proposal,
    optimize as optimize,
)
from .pacing.delivery.thresholds import (
    PaceThresholds as PaceThresholds,
)
from .pacing.engine import (
    pace as pace,
)
from .pacing.report import (
    PacingReport as PacingReport,
)
from .pacing.requests.outbox import (
    FileOutbox as FileOutbox,
)
from .pacing.requests.request import (
    SellerRequest as SellerRequest,
)
from .pacing.requests.seller_api import (
    HttpGateway as HttpGateway,
)
from .pacing.requests.sending import (
    send_requests as send_requests,
)
from .panel.panel import Panel as Panel
from .panel.read import read_panel as read_panel
from .plan import (
    Group as Group,
    Limits as Limits,
    Plan as Plan,
)
from .policy.apply import (
    apply_policy as apply_policy,
)
from .policy.file import (
    load_policy as load_policy,
)
from .policy.plan import (
    PolicyPlan as PolicyPlan,
)
from .policy.rulebook import (
    Policy as Policy,
)
from .recommendation import (
    recommend as recommend,
)
from .reporting.html.report import report as report
from .risk import (
    Risk as Risk,
)
from .simulation import (
    Outcome as Outcome,
    simulate as simulate,
)
from .synthetic.flights import (
    simulate_delivery as simulate_delivery,
)

__version__: str
