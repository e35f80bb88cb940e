"""Servicers made from the descriptors: every method, answering as little as it can."""

from collections.abc import AsyncIterator, Iterator
from importlib import import_module
from typing import Any

from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message_factory import GetMessageClass

from services.mesh.descriptors import contract_files
from services.mesh.server import Registration


def contract_services() -> Iterator[ServiceDescriptor]:
    """Every service of the contract."""
    for file in contract_files():
        yield from file.services_by_name.values()


def everything() -> list[Registration]:
    """A registration of each service of the contract, with empty answers."""
    return [_registration(service) for service in contract_services()]


def _registration(service: ServiceDescriptor) -> Registration:
    module = import_module(service.file.name.removesuffix(".proto").replace("/", ".") + "_pb2_grpc")
    methods = {method.name: _empty_answer(method) for method in service.methods}
    servicer = type(f"Empty{service.name}", (getattr(module, f"{service.name}Servicer"),), methods)
    return getattr(module, f"add_{service.name}Servicer_to_server"), servicer()


def _empty_answer(method: MethodDescriptor) -> Any:
    answer = GetMessageClass(method.output_type)

    async def once(_self: Any, request: Any, _context: Any) -> Any:
        if method.client_streaming:
            async for _ in request:
                pass
        return answer()

    async def stream(_self: Any, _request: Any, _context: Any) -> AsyncIterator[Any]:
        yield answer()

    return stream if method.server_streaming else once
