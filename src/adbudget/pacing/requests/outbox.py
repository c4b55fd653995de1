"""Requests as files in a folder, for people or other programs to carry. Speaks to no network.

``SR-....json`` is what to send, in the body the API takes. Whoever carries it may put the
seller's answer beside it as ``SR-....answer.json``, in the form of the API's change request.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from adbudget.display.page import Listed
from adbudget.errors import SellerError
from adbudget.pacing.requests.gateway import Answer
from adbudget.pacing.requests.request import SellerRequest
from adbudget.pacing.requests.wire import answer_of, body_of

INDENT = 2


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class FileOutbox(Listed):
    """A folder; the default gateway.

    Attributes
    ----------
    folder : made when missing

    Examples
    --------
    >>> outbox = ab.FileOutbox(folder="outbox")
    >>> answer = outbox.submit(ab.SellerRequest(ask=ask))
    >>> answer.state
    'pending'
    >>> outbox.look_up(ab.SellerRequest(ask=ask)).state, outbox.name
    ('pending', 'outbox outbox')
    """

    folder: str | Path

    @property
    def name(self) -> str:
        """See :class:`SellerGateway`."""
        return f"outbox {self.folder}"

    def submit(self, request: SellerRequest) -> Answer:
        """Write the file, whole or not at all; the same request twice is one file.

        Raises
        ------
        SellerError : the folder cannot be written, or holds another request of this name
        """
        text = _text(request)
        path = self._path(request)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists():
                if path.read_text(encoding="utf-8") != text:
                    raise SellerError(f"{path} holds something else; move it away and send again.")
                return Answer(state="pending", note=f"in {path}")
            half = path.with_suffix(".part")
            half.write_text(text, encoding="utf-8")
            os.replace(half, path)
        except OSError as cause:
            raise SellerError(f"{path} cannot be written: {cause.strerror or cause}.") from cause
        return Answer(state="pending", note=f"in {path}")

    def look_up(self, request: SellerRequest) -> Answer | None:
        """Read the answer beside the file; without one, it is pending.

        Raises
        ------
        SellerError : the answer cannot be read
        """
        path = self._path(request).with_suffix(".answer.json")
        if not path.exists():
            waits = self._path(request).exists()
            return Answer(state="pending", note=f"in {self._path(request)}") if waits else None
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as cause:
            raise SellerError(f"{path} cannot be read as JSON: {cause}.") from cause
        return answer_of(document, request, str(path))

    def _path(self, request: SellerRequest) -> Path:
        return Path(self.folder) / f"{request.request_id}.json"


def _text(request: SellerRequest) -> str:
    letter = body_of(request) | {
        "seller": request.ask.seller,
        "deal": request.ask.deal,
        "severity": request.ask.severity,
        "answer_by": request.deadline.isoformat(),
    }
    return json.dumps(letter, indent=INDENT, ensure_ascii=False) + "\n"
