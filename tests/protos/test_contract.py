"""The contract holds what it promises: read from the descriptors, held against everything else."""

import ast
import re
from collections.abc import Iterator

import pytest
from buf.validate import validate_pb2
from google.protobuf.descriptor import (
    Descriptor,
    EnumDescriptor,
    FieldDescriptor,
    FileDescriptor,
    MethodDescriptor,
)
from kefu import errors
from kefu.client.retries import RETRY_TABLE, Retry, service_config
from kefu.errors import Code, KefuError
from kefu.type.v1.error_reason_pb2 import ErrorReason

from services.mesh.descriptors import contract_files, contract_methods
from tests.support.mesh import ROOT

METHODS = contract_methods()
STRING_LIMITS = ("max_len", "len", "pattern", "uuid", "in", "const")


def files() -> Iterator[FileDescriptor]:
    """Our proto files, each once, those with shared types included."""
    waiting, seen = list(contract_files()), set()
    while waiting:
        file = waiting.pop()
        if file.package.startswith("kefu.") and file.name not in seen:
            seen.add(file.name)
            waiting += file.dependencies
            yield file


def messages() -> Iterator[Descriptor]:
    """Every message of ours but the entries of maps."""
    waiting = [each for file in files() for each in file.message_types_by_name.values()]
    while waiting:
        message = waiting.pop()
        waiting += message.nested_types
        if not message.GetOptions().map_entry:
            yield message


def enums() -> Iterator[EnumDescriptor]:
    """Every enum of ours."""
    for file in files():
        yield from file.enum_types_by_name.values()
    for message in messages():
        yield from message.enum_types


def requested() -> set[Descriptor]:
    """Every message that a caller may send, at whatever depth."""
    waiting = [method.input_type for method in METHODS.values()]
    found: set[Descriptor] = set()
    while waiting:
        message = waiting.pop()
        if message not in found:
            found.add(message)
            waiting += [field.message_type for field in message.fields if field.message_type]
    return found


REQUESTED = requested()
FIELDS = {field.full_name: field for message in messages() for field in message.fields}


def rules(field: FieldDescriptor) -> validate_pb2.FieldRules:
    """What protovalidate holds a field to."""
    return field.GetOptions().Extensions[validate_pb2.field]


def is_map(field: FieldDescriptor) -> bool:
    """Whether a repeated field is a map."""
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def bounded(string: validate_pb2.StringRules) -> bool:
    """Whether the rules of a text bound its length; a pattern must end and not repeat for ever."""
    if string.HasField("pattern"):
        pattern = string.pattern
        return pattern[0] == "^" and pattern[-1] == "$" and not re.search(r"[*+]|,\}", pattern)
    return any(string.HasField(name) for name in STRING_LIMITS if name != "in") or bool(
        getattr(string, "in")
    )


def names(suffix: str) -> list[str]:
    """Methods of the contract whose short name begins so."""
    return sorted(name for name in METHODS if name.rpartition("/")[2].startswith(suffix))


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_everything_that_grows_has_a_limit(name: str) -> None:
    """Texts, bytes, lists and maps; of elements, keys and values too."""
    field = FIELDS[name]
    found = rules(field)
    element = found
    if is_map(field):
        assert found.map.max_pairs
        key, value = (field.message_type.fields_by_name[each] for each in ("key", "value"))
        assert key.type != FieldDescriptor.TYPE_STRING or bounded(found.map.keys.string)
        assert value.type != FieldDescriptor.TYPE_STRING or bounded(found.map.values.string)
        return
    if field.is_repeated:
        assert found.repeated.max_items
        element = found.repeated.items
    if field.type == FieldDescriptor.TYPE_STRING:
        assert bounded(element.string)
    if field.type == FieldDescriptor.TYPE_BYTES:
        assert element.bytes.max_len
    if field.type == FieldDescriptor.TYPE_ENUM and field.containing_type in REQUESTED:
        assert element.enum.defined_only


@pytest.mark.parametrize("method", names("List"))
def test_every_list_is_paged(method: str) -> None:
    """AIP-158, from the first day: what is not paged now cannot be later."""
    request, response = METHODS[method].input_type, METHODS[method].output_type
    assert request.fields_by_name["page_size"].type == FieldDescriptor.TYPE_INT32
    assert rules(request.fields_by_name["page_size"]).int32.gte == 0
    assert request.fields_by_name["page_token"].type == FieldDescriptor.TYPE_STRING
    assert response.fields_by_name["next_page_token"].type == FieldDescriptor.TYPE_STRING
    assert not METHODS[method].server_streaming, "lists never stream"
    [page] = [each for each in response.fields if each.is_repeated]
    assert rules(page).repeated.max_items == 100


def request_id(method: MethodDescriptor) -> FieldDescriptor | None:
    """The field of that name, in the request or in the header of a stream of them."""
    message = method.input_type
    if method.client_streaming:
        message = message.fields_by_name["header"].message_type
    found: FieldDescriptor | None = message.fields_by_name.get("request_id")
    return found


@pytest.mark.parametrize("method", sorted(METHODS))
def test_every_method_is_in_the_retry_table(method: str) -> None:
    """As what it is: a write has a request_id, and only reads have none."""
    field = request_id(METHODS[method])
    retry = RETRY_TABLE[method]
    if field is not None:
        assert rules(field).string.uuid
        assert retry is not Retry.READ, "a read needs no request_id"
    if retry is Retry.REQUEST_ID:
        assert field is not None
    if method.rpartition("/")[2].startswith(("Create", "Update", "Delete", "Close", "Import")):
        assert field is not None
        assert retry is not Retry.READ
    if method.rpartition("/")[2].startswith(("Get", "List", "Search", "Batch")):
        assert retry is Retry.READ


def test_the_retry_table_names_nothing_else() -> None:
    """And the service config that every channel has is made of it."""
    assert set(RETRY_TABLE) == set(METHODS)
    never = {name for name, retry in RETRY_TABLE.items() if retry is Retry.NEVER}
    config = service_config()
    assert all((f'"{name.rpartition("/")[2]}"' in config) != (name in never) for name in METHODS)


def servicers(method: MethodDescriptor) -> list[ast.ClassDef]:
    """The classes that serve a method's service or a part of it, read from their sources."""
    service = method.containing_service
    short = service.full_name.split(".")[1]
    paths = sorted((ROOT / "services" / short).glob("*servicer.py"))
    if short == "action":  # the contract that other companies' systems implement
        paths = [ROOT / "examples" / "shop" / "orders.py"]
    return [
        node
        for path in paths
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.ClassDef)
        and any(ast.unparse(base).endswith(f"{service.name}Servicer") for base in node.bases)
    ]


@pytest.mark.parametrize("method", sorted(METHODS))
def test_every_method_is_served(method: str) -> None:
    """No RPC is declared that nobody serves."""
    functions = [
        node.name
        for served in servicers(METHODS[method])
        for node in served.body
        if isinstance(node, ast.AsyncFunctionDef)
    ]
    assert METHODS[method].name in functions


def test_the_zero_of_every_enum_is_unspecified() -> None:
    """What an old caller leaves out must not mean something."""
    for enum in enums():
        prefix = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", enum.name).upper()
        assert enum.values_by_number[0].name == f"{prefix}_UNSPECIFIED"
        assert all(value.name.startswith(f"{prefix}_") for value in enum.values)


def classes() -> dict[str, type[KefuError]]:
    """Every error class by its reason."""
    found = [
        each
        for each in vars(errors).values()
        if isinstance(each, type) and issubclass(each, KefuError) and each is not KefuError
    ]
    assert len({each.reason for each in found}) == len(found), "one class for each reason"
    return {each.reason: each for each in found}


def test_every_reason_has_one_class() -> None:
    """And every class a reason: nothing can be raised that the contract does not name."""
    names = [value.name for value in ErrorReason.DESCRIPTOR.values]
    reasons = {name.removeprefix("ERROR_REASON_") for name in names}
    assert set(classes()) == reasons - {"UNSPECIFIED"}


@pytest.mark.parametrize(
    ("ending", "code"),
    [
        ("_NOT_FOUND", {Code.NOT_FOUND, Code.UNIMPLEMENTED, Code.INVALID_ARGUMENT}),
        ("_ALREADY_EXISTS", {Code.ALREADY_EXISTS}),
        ("_UNAVAILABLE", {Code.UNAVAILABLE}),
        ("_NOT_ALLOWED", {Code.PERMISSION_DENIED}),
    ],
)
def test_codes_fit_their_reasons(ending: str, code: set[Code]) -> None:
    """The code says the kind of failure that the word says."""
    for reason, kind in classes().items():
        if reason.endswith(ending):
            assert kind.code in code, reason


def test_the_comment_of_each_reason_names_its_code() -> None:
    """What the contract's readers are told is what the class does."""
    source = (ROOT / "protos" / "kefu" / "type" / "v1" / "error_reason.proto").read_text()
    comment = r"  // ([A-Z_]+): (?:(?!\n  ERROR_REASON)[\s\S])*?"
    said = re.findall(comment + r"\n  ERROR_REASON_(\w+) =", source)
    assert {reason: code for code, reason in said} == {
        reason: kind.code.name for reason, kind in classes().items()
    }
