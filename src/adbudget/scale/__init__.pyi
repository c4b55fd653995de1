from .accounts import (
    EVIDENCE as EVIDENCE,
    account_evidence as account_evidence,
    decide_account as decide_account,
)
from .comparing import (
    compare_with_joint as compare_with_joint,
)
from .deciding import (
    recommend as recommend,
)
from .learning import (
    learn as learn,
)
from .records import (
    ScaleDecisions as ScaleDecisions,
    ShardedFit as ShardedFit,
)
