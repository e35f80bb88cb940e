"""What a training is asked for."""

from dataclasses import asdict, dataclass

from services.mesh.operations.operation import Request

TRAIN_MODEL = "TrainModel"
"""The only method that begins an operation here."""

REMEDY = "train again: the vectors that were made are kept"
"""What to do where a training was ended before its time."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a training was asked for."""

    activate: bool
    """Whether the model goes into service as soon as it is trained."""
    lexical_only: bool
    """Whether to train on words alone."""


def training_request(tenant: str, request_id: str, wish: Wish, trace_id: str) -> Request:
    """Return what begins a training.

    Args:
        tenant: Its id.
        request_id: UUID of the request.
        wish: How to train.
        trace_id: Of the call.
    """
    return Request(tenant, request_id, TRAIN_MODEL, asdict(wish), trace_id)
