"""Turns whatever was raised into a `KefuError` that may cross the wire.

grpc sends the text of an unmapped exception to the client (a DSN crossed the wire so), which makes
this step a security control: what is not a `KefuError` becomes INTERNAL with an error id, and its
text stays in the log under that id.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from kefu.errors import Internal, KefuError

from services.mesh.calls import Call, Middleware


class Errors(Middleware):
    """Remembers how the call failed and gives every error its trace id."""

    name = "errors"

    def __init__(self) -> None:
        self._log = structlog.get_logger("errors")

    @asynccontextmanager
    async def around(self, call: Call) -> AsyncIterator[None]:
        """Let `KefuError` pass with the trace id, replace everything else."""
        try:
            yield
        except KefuError as error:
            raise self._sealed(call, error) from None
        except (Exception, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and _cancelled_from_outside():
                raise  # the caller left; nobody hears an answer
            error_id = uuid.uuid4().hex
            self._log.error(
                "unexpected",
                error_id=error_id,
                method=call.method,
                trace_id=call.trace_id,
                exc_info=error,
            )
            raise self._sealed(call, Internal(error_id=error_id)) from None

    @staticmethod
    def _sealed(call: Call, error: KefuError) -> KefuError:
        # An error of a call further down came with the id of the same trace, or with none.
        error.metadata["trace_id"] = call.trace_id
        call.error = error
        return error


def _cancelled_from_outside() -> bool:
    """False for a cancellation that came out of something the handler awaited.

    gRPC takes either for the caller's and would answer nothing: the caller would wait in vain.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
