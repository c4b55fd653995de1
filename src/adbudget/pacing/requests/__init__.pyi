from .adcp import (
    AdcpGateway as AdcpGateway,
)
from .adcp_delivery import (
    adcp_delivery as adcp_delivery,
)
from .agreed import (
    agreed_plan as agreed_plan,
)
from .answers import (
    Expectations as Expectations,
    expect as expect,
)
from .change import (
    Diff as Diff,
)
from .drafting import (
    AskRules as AskRules,
    draft_requests as draft_requests,
)
from .gateway import (
    Answer as Answer,
    SellerGateway as SellerGateway,
)
from .gateways import (
    open_gateway as open_gateway,
)
from .mcp_calls import (
    McpServer as McpServer,
)
from .outbox import (
    FileOutbox as FileOutbox,
)
from .request import (
    Ask as Ask,
    Fallback as Fallback,
    SellerRequest as SellerRequest,
)
from .request_entries import (
    draft_pairs as draft_pairs,
    find_request as find_request,
    lapse as lapse,
    read_requests as read_requests,
    record as record,
)
from .requests_frame import (
    requests_frame as requests_frame,
)
from .seller_api import (
    HttpGateway as HttpGateway,
)
from .sending import (
    Sent as Sent,
    expire_overdue as expire_overdue,
    send_requests as send_requests,
)
from .transitions import (
    Step as Step,
)
