"""A service in a process of its own, to be killed."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from tests.support.mesh import ROOT, Served, write_leaf

START_SECONDS = 60.0
"""For a process to serve on a machine under load."""


class ServiceProcess:
    """`python -m services.<name>` in the mesh of a service that the test serves itself."""

    def __init__(self, name: str, beside: Served, folder: Path, **settings: Any) -> None:
        """Prepare it; `settings` differ from the defaults, what is no text is JSON."""
        self._name = name
        keys = write_leaf(folder, name, beside.authority.issue(name))
        (folder / "ca.pem").write_bytes(beside.authority.certificate_pem)
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("KEFU_", "GRPC_"))}
        self._environment = clean | {
            "KEFU_CERT_FILE": str(keys.cert_file),
            "KEFU_KEY_FILE": str(keys.key_file),
            "KEFU_CA_FILE": str(keys.ca_file),
            "KEFU_POLICY_FILE": str(beside.folder / "policy.yaml"),
            "KEFU_SPOOL_DIR": str(folder / "spool"),
            "PYTHONPATH": ":".join(sys.path),
        }
        for key, value in settings.items():
            written = value if isinstance(value, str) else json.dumps(value)
            self._environment[f"KEFU_{key.upper()}"] = written

    async def start(self) -> str:
        """Start it; return its address."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", f"services.{self._name}", cwd=ROOT, env=self._environment,
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert self._process.stdout is not None
        async with asyncio.timeout(START_SECONDS):
            async for line in self._process.stdout:
                if (said := json.loads(line))["event"] == "serving":
                    return str(said["address"])
        raise AssertionError("it does not serve")

    def children(self) -> list[int]:
        """The processes that it has started."""
        text = "".join(
            each.read_text() for each in Path(f"/proc/{self._process.pid}/task").glob("*/children")
        )
        return [int(pid) for pid in text.split()]

    async def kill(self) -> None:
        """Kill -9."""
        os.kill(self._process.pid, signal.SIGKILL)
        await self._process.wait()
