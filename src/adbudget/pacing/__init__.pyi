from .booked.curves import (
    TrafficCurve as TrafficCurve,
    back_loaded as back_loaded,
    custom as custom,
    even as even,
    front_loaded as front_loaded,
)
from .booked.flight import (
    FlightPlan as FlightPlan,
)
from .booked.plan_table import (
    read_plan as read_plan,
)
from .booked.traffic import (
    learn_traffic as learn_traffic,
)
from .daily.daily_budgets import (
    DailyRules as DailyRules,
)
from .delivery.delivered import (
    Delivery as Delivery,
)
from .delivery.delivery_table import (
    read_delivery as read_delivery,
)
from .delivery.measures import (
    Measures as Measures,
    Track as Track,
    measure as measure,
)
from .delivery.past_measurements import (
    measurement_history as measurement_history,
)
from .delivery.thresholds import (
    PaceThresholds as PaceThresholds,
)
from .engine import (
    pace as pace,
)
from .moves.move_rules import (
    MoveRules as MoveRules,
)
from .report import (
    PacingReport as PacingReport,
)
from .requests.drafting import (
    AskRules as AskRules,
)
