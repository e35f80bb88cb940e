"""Usage and limits between the contract's messages and the domain's values."""

import math
from collections.abc import Iterable

from kefu.generation.v1 import usage_pb2 as pb

from services.generation.accounts import Account, Counts, Dimension
from services.generation.limits import Claim

_DIMENSIONS = {
    pb.GetUsageRequest.DIMENSION_DAY: Dimension.DAY,
    pb.GetUsageRequest.DIMENSION_IDENTITY: Dimension.IDENTITY,
    pb.GetUsageRequest.DIMENSION_PROVIDER: Dimension.PROVIDER,
}


def dimensions_from(
    dimensions: Iterable[pb.GetUsageRequest.Dimension.ValueType],
) -> frozenset[Dimension]:
    """Read what rows are told apart by."""
    return frozenset(_DIMENSIONS[each] for each in dimensions)


def row_to(account: Account, counts: Counts) -> pb.UsageRow:
    """Write a row of usage."""
    return pb.UsageRow(
        day=account.day,
        identity=account.identity,
        provider=account.provider,
        model=account.model,
        calls=counts.calls,
        estimated_calls=counts.estimated_calls,
        input_tokens=counts.input_tokens,
        output_tokens=counts.output_tokens,
        cached_tokens=counts.cached_tokens,
        price_micros=counts.price_micros,
        currency_code=account.currency,
    )


def quota_to(claim: Claim, left: int) -> pb.Quota:
    """Write a limit and what is left of it."""
    return pb.Quota(metric=claim.metric, limit=math.ceil(claim.limit), remaining=left)
