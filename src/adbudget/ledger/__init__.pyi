from .approvals import (
    Ruling as Ruling,
)
from .entry import (
    Entry as Entry,
    Receipt as Receipt,
    canonical_json as canonical_json,
    digest as digest,
)
from .killswitch import (
    KillState as KillState,
)
from .replay import (
    LoggedRun as LoggedRun,
    Replay as Replay,
)
from .store import (
    Ledger as Ledger,
    open_ledger as open_ledger,
)
from .verify import (
    Head as Head,
    Verification as Verification,
)
