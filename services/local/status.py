"""`mesh.json`: what runs where, and how it is. Scripts read it, so its form is an interface.

```json
{"services": {"session": {"address": "127.0.0.1:20001", "state": "SERVING",
                          "metrics_address": "127.0.0.1:20002", "pid": 4711, "restarts": 0}},
 "stores": {"postgres": {"state": "SERVING", "pid": 4700, "restarts": 0, "socket": "/..."}},
 "ready": true, "supervisor": 4690, "problem": "", "remedy": ""}
```
"""

from enum import StrEnum

from pydantic import BaseModel

from services.local import home, lock
from services.local.home import Home


class State(StrEnum):
    """What a process is doing."""

    STARTING = "STARTING"
    """Started for the first time, does not serve yet."""
    SERVING = "SERVING"
    """Answers health checks."""
    DEAD = "DEAD"
    """Ended without being asked; the next try waits for its moment."""
    RESTARTING = "RESTARTING"
    """Started again after it died, does not serve yet."""
    STOPPED = "STOPPED"
    """Not running, as it should be."""


class ServiceStatus(BaseModel):
    """One service.

    Attributes:
        address: where it serves gRPC over TLS, `host:port`; the same over restarts.
        metrics_address: where it serves Prometheus metrics, `host:port`.
        state: what it is doing.
        pid: its process; 0 where there is none.
        restarts: how often it was started again since `kefu up`.
    """

    address: str
    metrics_address: str
    state: State = State.STOPPED
    pid: int = 0
    restarts: int = 0


class StoreStatus(BaseModel):
    """One embedded server: `state`, `pid` and `restarts` as above.

    Attributes:
        socket: PostgreSQL's socket directory, or Valkey's socket.
    """

    state: State = State.STOPPED
    pid: int = 0
    restarts: int = 0
    socket: str = ""


class MeshStatus(BaseModel):
    """The whole mesh of a home.

    Attributes:
        services: by name, in the order in which they are shown.
        stores: `postgres` and `valkey`.
        ready: whether everything served once and the sample, if asked for, was loaded.
        supervisor: process id of the supervisor; 0 where none runs.
        problem: why the last start failed, for people; empty where it did not.
        remedy: what to do about it.
    """

    services: dict[str, ServiceStatus] = {}
    stores: dict[str, StoreStatus] = {}
    ready: bool = False
    supervisor: int = 0
    problem: str = ""
    remedy: str = ""

    @property
    def processes(self) -> dict[str, ServiceStatus | StoreStatus]:
        """Everything that runs: the embedded servers first, then the services."""
        return {**self.stores, **self.services}


def read(of: Home) -> MeshStatus:
    """Return the status that was written last; an empty one for a home that never ran."""
    try:
        return MeshStatus.model_validate_json(of.mesh_file.read_bytes())
    except FileNotFoundError:
        return MeshStatus()


def save(of: Home, status: MeshStatus) -> None:
    """Write the status in one step."""
    home.write(of.mesh_file, status.model_dump_json(indent=1).encode())


def current(of: Home) -> MeshStatus:
    """Return the status as it is now: where no supervisor runs, nothing does."""
    status = read(of)
    if not lock.holder(of):
        status.ready, status.supervisor = False, 0
        for each in status.processes.values():
            each.state, each.pid = State.STOPPED, 0
    return status
