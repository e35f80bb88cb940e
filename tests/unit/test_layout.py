"""Which module may import what: `__main__ -> servicer, store, peers -> domain`, and no further."""

import ast
from pathlib import Path

import pytest

from tests.support.mesh import ROOT

SERVICES = ("session", "intent", "knowledge", "generation", "sentiment", "audit", "desk")
TOOLS = ("local", "cli")
SHARED = ("services.mesh", "services.language", "services.encoder", "services.pii")
DOMAIN_MAY_USE = (
    "batching", "calls", "measures", "names", "operations", "paging",
    "streams", "telemetry",
)  # fmt: skip
SHARED_MESSAGES = "services.mesh.operations.messages"
STORAGE = ("psycopg", "psycopg_pool", "redis")
FURNITURE = ("__main__", "servicer", "settings")


def imports(path: Path) -> set[str]:
    """Every module that a file imports, by its full name; `from a import b` counts as a and a.b."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide where a thing stands"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
            found.add(node.module or "")
    return found


def within(found: set[str], *packages: str) -> set[str]:
    """Those imports that belong to one of the packages."""
    return {
        name for name in found for each in packages if name == each or name.startswith(f"{each}.")
    }


def modules(*folders: str) -> list[Path]:
    """The Python files of some folders of services/."""
    return sorted(p for each in folders for p in (ROOT / "services" / each).rglob("*.py"))


def named(path: Path) -> str:
    """Short name for the list of tests."""
    return str(path.relative_to(ROOT / "services"))


def is_store(path: Path) -> bool:
    """Whether a file is one of those that may hold SQL and Redis commands."""
    return path.stem.endswith(("store", "sql"))


def calls_peers(path: Path) -> bool:
    """Whether a file is one of those that may call other services."""
    return path.stem.endswith("peers")


def is_domain(path: Path) -> bool:
    """Whether a file holds meaning alone: no gRPC, no messages, no database."""
    furniture = path.stem in FURNITURE or path.stem.endswith(("messages", "servicer"))
    return not furniture and not is_store(path) and not calls_peers(path)


@pytest.mark.parametrize("path", modules(*SERVICES), ids=named)
def test_a_service_imports_no_other_service(path: Path) -> None:
    """Services meet over gRPC only, and none needs the tools of one machine."""
    own = f"services.{path.relative_to(ROOT / 'services').parts[0]}"
    assert within(imports(path), "services") - within(imports(path), own, *SHARED) <= {"services"}


@pytest.mark.parametrize("path", modules("mesh", "language", "encoder", "pii"), ids=named)
def test_what_is_shared_imports_no_service(path: Path) -> None:
    """It would tie every service to that one."""
    allowed = within(imports(path), *SHARED)
    if "mesh" in path.parts:
        allowed -= within(imports(path), "services.language", "services.encoder")
    assert within(imports(path), "services") <= allowed | {"services"}


@pytest.mark.parametrize("path", [*filter(is_domain, modules(*SERVICES))], ids=named)
def test_the_domain_knows_no_transport_and_no_storage(path: Path) -> None:
    """It can be read, tested and kept when gRPC, PostgreSQL or Redis go."""
    found = imports(path)
    contract = {name for name in found if name.startswith("kefu.") and ".v1" in name}
    assert not contract
    assert not within(found, "grpc", "google.protobuf", *STORAGE)
    own = f"services.{path.relative_to(ROOT / 'services').parts[0]}"
    assert not within(found, *(f"{own}.{each}" for each in ("servicer", "peers", "__main__")))
    assert not within(found, SHARED_MESSAGES)
    mesh = within(found, "services.mesh") - {"services.mesh"}
    allowed = within(found, *(f"services.mesh.{each}" for each in DOMAIN_MAY_USE))
    assert mesh <= allowed | {f"services.mesh.{each}" for each in DOMAIN_MAY_USE}


@pytest.mark.parametrize("path", modules(*SERVICES, "mesh", "cli"), ids=named)
def test_storage_is_touched_in_the_stores_only(path: Path) -> None:
    """Whoever looks for a statement finds it in one guess."""
    shared = {ROOT / "services" / "mesh" / name for name in ("database.py", "redis_client.py")}
    if not is_store(path) and path not in shared:
        assert not within(imports(path), *STORAGE)


@pytest.mark.parametrize("path", modules(*SERVICES), ids=named)
def test_other_services_are_called_from_peers_only(path: Path) -> None:
    """The one file that knows the stubs of others; wiring hands them their addresses."""
    own = path.relative_to(ROOT / "services").parts[0]
    stubs = {name for name in imports(path) if name.endswith("Stub")}
    if path.stem != "__main__" and not calls_peers(path):
        assert not {name for name in stubs if f"kefu.{own}." not in name}


@pytest.mark.parametrize("path", sorted((ROOT / "services" / "sdk").rglob("*.py")), ids=str)
def test_the_client_package_stands_alone(path: Path) -> None:
    """Callers install it without the services."""
    assert not within(imports(path), "services", "tests")


@pytest.mark.parametrize("path", modules("pii"), ids=named)
def test_personal_data_is_found_without_a_service(path: Path) -> None:
    """Whoever writes or sends text can use it, and nothing can be sent from there."""
    assert not within(imports(path), "grpc", "google.protobuf", "kefu", "services.mesh", *STORAGE)


def test_errors_can_be_used_by_the_domain() -> None:
    """They import neither grpc nor protobuf."""
    for path in (ROOT / "services" / "sdk" / "kefu" / "errors").glob("*.py"):
        assert within(imports(path), "enum", "typing", "kefu.errors") == imports(path)
