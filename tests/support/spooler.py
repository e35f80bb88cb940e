"""A process that spools audit events until it is killed: `python -m tests.support.spooler DIR`.

It prints the id of each event once `append` has returned, which is the promise to be kept.
"""

import sys
import time
import uuid
from pathlib import Path

from kefu.audit.v1.audit_pb2 import AuditEvent

from services.mesh.spool import AuditSpool


def event(**fields: str) -> AuditEvent:
    """An event that the audit service takes."""
    made = AuditEvent(
        event_id=str(uuid.uuid4()), service="test", method="test.Method", outcome="OK", **fields
    )
    made.time.FromNanoseconds(time.time_ns())
    return made


if __name__ == "__main__":
    spool = AuditSpool("test", Path(sys.argv[1]))
    while True:
        appended = event()
        spool.append(appended)
        print(appended.event_id, flush=True)
