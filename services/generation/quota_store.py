"""Limits counted in Redis, where all replicas see them: one script, one round trip, all or nothing.

A bucket is a string: its level and when that was. A tenant's money is a hash: what was spent on a
day and what requests under way hold, by the minute in which they claimed it, so that what a killed
process held comes free. The scripts read Redis' own clock: replicas need not agree.

All keys live on one node of a Redis cluster, for one script has to see them. Nothing here may be
evicted: the server's policy has to be `noeviction`, as it is for sessions' leases.
"""

from collections.abc import Callable, Sequence
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import (
    ClusterDownError,
    ConnectionError,
    InvalidResponse,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    TimeoutError,
    TryAgainError,
)

from services.generation.limits import (
    DAY_SECONDS,
    HOLD_MINUTES,
    HOLD_RETRY_SECONDS,
    Claim,
    Defective,
    Settlement,
    Unreachable,
    Verdict,
)
from services.mesh import redis_client

TIMEOUT_SECONDS = 0.5
"""Longest wait for Redis, which answers within a millisecond; a process that has the processor
taken away for a moment must not think it down."""

# What a server answers, or does not, that is away, starting, moving, full or a replica.
_OUTAGES = (
    ClusterDownError,
    ConnectionError,
    InvalidResponse,
    OSError,
    OutOfMemoryError,
    ReadOnlyError,
    TimeoutError,
    TryAgainError,
)

# The same, of which the client knows no class.
_OUTAGE_CODES = ("BUSY ", "MISCONF ", "NOREPLICAS ")

_COMMON = f"""
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) + tonumber(time[2]) / 1000000
end
local day, minute = math.floor(now / {DAY_SECONDS}), math.floor(now / 60)

local function purse(key)
  local kept = redis.call('HGETALL', key)
  local found = {{key = key, fields = {{}}, spent = 0, held = 0}}
  for i = 1, #kept, 2 do
    local kind, number = string.match(kept[i], '(%a+):(%d+)')
    if kind == 'spent' and tonumber(number) == day then
      found.spent = tonumber(kept[i + 1])
      found.fields[kept[i]] = true
    elseif kind == 'held' and tonumber(number) >= minute - {HOLD_MINUTES} then
      found.held = found.held + tonumber(kept[i + 1])
      found.fields[kept[i]] = true
    else
      redis.call('HDEL', key, kept[i])
    end
  end
  return found
end

local function add(found, field, amount)
  -- Nothing taken back is written "-0", which Redis takes for no number.
  if amount == 0 then return end
  redis.call('HINCRBY', found.key, field, string.format('%.0f', amount))
  -- A day's sum is new once a day, and holds once a minute: nothing is forgotten too early.
  if not found.fields[field] then redis.call('EXPIRE', found.key, {2 * DAY_SECONDS}) end
  found.fields[field] = true
end

local function level(key, limit, seconds)
  local kept = redis.call('GET', key)
  if not kept then return limit end
  local left, time = string.match(kept, '(%S+) (%S+)')
  return math.min(limit, left + math.max(0, now - time) * limit / seconds)
end

local function fill(key, limit, seconds, left)
  -- Full again by then, which is what a missing key means; a minute more for clocks that are set.
  local full = math.ceil((limit - left) * seconds / limit) + 60
  redis.call('SET', key, string.format('%.6f %.6f', left, now), 'EX', string.format('%.0f', full))
end

local function whole(amount)
  return math.max(0, math.floor(amount))
end
"""

# ARGV: the time or '', then limit, seconds and need of each key.
_TAKE = f"""{_COMMON}
local left, purses, refused, wait = {{}}, {{}}, 0, 0
for i, key in ipairs(KEYS) do
  local limit, seconds = tonumber(ARGV[i * 3 - 1]), tonumber(ARGV[i * 3])
  local need = tonumber(ARGV[i * 3 + 1])
  if seconds == {DAY_SECONDS} then
    purses[i] = purse(key)
    left[i] = limit - purses[i].spent - purses[i].held
    if need > math.max(left[i], 0) and refused == 0 then
      refused, wait = i, {HOLD_RETRY_SECONDS}
      if need > left[i] + purses[i].held then wait = {DAY_SECONDS} - now % {DAY_SECONDS} end
    end
  else
    left[i] = level(key, limit, seconds)
    local missing = math.min(need, limit) - left[i]
    if need > 0 and missing > 0 and refused == 0 then
      refused, wait = i, missing * seconds / limit
    end
  end
end
local answer = {{refused, math.ceil(wait * 1000), minute}}
for i, key in ipairs(KEYS) do
  local limit, seconds = tonumber(ARGV[i * 3 - 1]), tonumber(ARGV[i * 3])
  local need = tonumber(ARGV[i * 3 + 1])
  if refused == 0 and need > 0 then
    left[i] = left[i] - need
    if seconds == {DAY_SECONDS} then
      add(purses[i], 'held:' .. minute, need)
    else
      fill(key, limit, seconds, left[i])
    end
  end
  answer[i + 3] = whole(left[i])
end
return answer
"""

# ARGV: the time or '', then limit, seconds, claimed, used and the minute of the claim, of each key.
_SETTLE = f"""{_COMMON}
local answer = {{}}
for i, key in ipairs(KEYS) do
  local limit, seconds = tonumber(ARGV[i * 5 - 3]), tonumber(ARGV[i * 5 - 2])
  local claimed, used = tonumber(ARGV[i * 5 - 1]), tonumber(ARGV[i * 5])
  if seconds == {DAY_SECONDS} then
    local found, hold = purse(key), 'held:' .. ARGV[i * 5 + 1]
    -- A hold that ran out is given back already.
    if not found.fields[hold] then claimed = 0 end
    add(found, hold, -claimed)
    add(found, 'spent:' .. day, used)
    answer[i] = whole(limit - found.spent - used - found.held + claimed)
  else
    local left = math.min(limit, level(key, limit, seconds) + claimed - used)
    fill(key, limit, seconds, left)
    answer[i] = whole(left)
  end
end
return answer
"""


class QuotaStore:
    """Keys `kefu:{quota}:{metric}:{subject}`.

    Args:
        client: from `open_client`.
        clock: seconds since the epoch; None: Redis' own clock.
    """

    def __init__(self, client: Redis, clock: Callable[[], float] | None = None) -> None:
        self._take = client.register_script(_TAKE)
        self._settle = client.register_script(_SETTLE)
        self._clock = clock

    async def take(self, claims: Sequence[Claim]) -> Verdict:
        """Claim all or nothing. Raises Unreachable."""
        numbers: list[float] = []
        for claim in claims:
            numbers += [claim.limit, claim.seconds, claim.need]
        refused, wait, minute, *left = await self._run(self._take, claims, numbers)
        place = refused - 1 if refused else None
        return Verdict(left, place, wait / 1000, minute)

    async def settle(self, settlements: Sequence[Settlement]) -> Sequence[int]:
        """Count what was used in place of what was claimed. Raises Unreachable."""
        numbers: list[float] = []
        for each in settlements:
            claimed = each.claim.need if each.minute else 0
            numbers += [each.claim.limit, each.claim.seconds, claimed, each.used, each.minute]
        return await self._run(self._settle, [each.claim for each in settlements], numbers)

    async def _run(
        self, script: Callable[..., Any], claims: Sequence[Claim], numbers: Sequence[float]
    ) -> list[int]:
        now = self._clock() if self._clock else ""
        try:
            answer: list[int] = await script(
                keys=[f"kefu:{{quota}}:{each.metric}:{each.subject}" for each in claims],
                args=[now, *numbers],
            )
        except (RedisError, OSError) as error:
            raise failure_of(error) from None
        return answer


def failure_of(error: Exception) -> Unreachable:
    """Return what an error of the client means for whoever counts in Redis."""
    text = str(error)
    if isinstance(error, _OUTAGES) or text.startswith(_OUTAGE_CODES):
        # Its text may hold an address, and is another one each time.
        return Unreachable(type(error).__name__)
    return Defective(f"{type(error).__name__}: {text}")


def open_client(url: str) -> Redis:
    """A client for the stores of this service; it connects when it is first used."""
    return redis_client.open_client(url, TIMEOUT_SECONDS)
