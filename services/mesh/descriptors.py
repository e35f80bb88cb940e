"""What the contract itself says of its methods, read from the descriptors."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module

from google.api import resource_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor, FileDescriptor, MethodDescriptor
from google.protobuf.message import Message

SERVICES = ("session", "intent", "knowledge", "generation", "sentiment", "audit", "action", "desk")
# Files of a service beside the one of its name that hold RPCs.
_FURTHER_FILES = (
    "kefu.generation.v1.usage_pb2",
    "kefu.intent.v1.training_pb2",
    "kefu.knowledge.v1.import_pb2",
    "kefu.knowledge.v1.release_pb2",
)
_TENANT_ID = re.compile(r"[a-z][a-z0-9-]{0,62}")
# Fields that name a resource by convention (AIP-122) without an annotation.
_NAME_FIELDS = frozenset({"name", "parent", "tenant", "session"})


@dataclass(frozen=True, slots=True)
class ResourceNames:
    """The resource names that a request carries.

    Attributes:
        first: the one the request is about; empty where it names none.
        tenants: ids of all tenants that are named, in order, without repeats.
    """

    first: str
    tenants: tuple[str, ...]


def contract_files() -> Iterator[FileDescriptor]:
    """The descriptor of each proto file that holds RPCs."""
    for module in (*(f"kefu.{name}.v1.{name}_pb2" for name in SERVICES), *_FURTHER_FILES):
        yield import_module(module).DESCRIPTOR


def contract_methods() -> dict[str, MethodDescriptor]:
    """Every RPC of the contract by full name, such as `kefu.desk.v1.DeskService/GetTicket`."""
    return {
        f"{service.full_name}/{method.name}": method
        for file in contract_files()
        for service in file.services_by_name.values()
        for method in service.methods
    }


def resource_names(message: Message) -> ResourceNames:
    """The resources that a request names, in its own fields and in those of its parts."""
    first = ""
    tenants: dict[str, None] = {}
    for path in _name_paths(message.DESCRIPTOR):
        value = _follow(message, path)
        if not value:
            continue
        first = first or value
        collection, _, rest = value.partition("/")
        if collection == "tenants":
            tenants[rest.partition("/")[0]] = None
    return ResourceNames(first, tuple(tenants))


def is_tenant_id(text: str) -> bool:
    """Whether a text has the form of a tenant's id; any other may hold a customer's words."""
    return _TENANT_ID.fullmatch(text) is not None


def _follow(message: Message, path: tuple[str, ...]) -> str:
    *outer, last = path
    for step in outer:
        if not message.HasField(step):
            return ""
        message = getattr(message, step)
    value: str = getattr(message, last)
    return value


@cache
def _name_paths(descriptor: Descriptor) -> tuple[tuple[str, ...], ...]:
    return tuple(_walk(descriptor, (), frozenset()))


def _walk(
    descriptor: Descriptor, above: tuple[str, ...], seen: frozenset[str]
) -> Iterator[tuple[str, ...]]:
    for field in descriptor.fields:
        if field.is_repeated:
            continue
        if field.type == FieldDescriptor.TYPE_STRING and _is_name(field):
            yield (*above, field.name)
        inner = field.message_type
        if inner is None or not inner.full_name.startswith("kefu.") or inner.full_name in seen:
            continue
        yield from _walk(inner, (*above, field.name), seen | {descriptor.full_name})


def _is_name(field: FieldDescriptor) -> bool:
    annotated = field.GetOptions().HasExtension(resource_pb2.resource_reference)
    return annotated or field.name in _NAME_FIELDS
