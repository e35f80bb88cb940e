"""Limits counted in Redis, where all replicas see them: one script, one round trip, all or nothing.

Every limit has a hash. A bucket's has its level and when that was; a tenant's money has what was
spent on a day and what requests under way hold, by the minute in which they claimed it, so that
what a killed process held comes free. The scripts read Redis' own clock: replicas need not agree.

All keys live on one node of a Redis cluster, for one script has to see them. Nothing here may be
evicted: the server's policy has to be `noeviction`, as it is for sessions' leases.
"""

from collections.abc import Callable, Sequence
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis
from redis.exceptions import RedisError

from services.generation.limits import (
    DAY_SECONDS,
    HOLD_MINUTES,
    HOLD_RETRY_SECONDS,
    Claim,
    Settlement,
    Unreachable,
    Verdict,
)

TIMEOUT_SECONDS = 0.5
"""Longest wait for Redis, which answers within a millisecond; a process that has the processor
taken away for a moment must not think it down."""

_CONNECTIONS = 32
"""Most at once; a command takes a fraction of a millisecond, and the others wait for their turn."""

_COMMON = f"""
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) + tonumber(time[2]) / 1000000
end
local day, minute = math.floor(now / {DAY_SECONDS}), math.floor(now / 60)

local function money(key)
  local kept, spent, held = redis.call('HGETALL', key), 0, 0
  for i = 1, #kept, 2 do
    local kind, number = string.match(kept[i], '(%a+):(%d+)')
    if kind == 'spent' and tonumber(number) == day then
      spent = tonumber(kept[i + 1])
    elseif kind == 'held' and tonumber(number) >= minute - {HOLD_MINUTES} then
      held = held + tonumber(kept[i + 1])
    else
      redis.call('HDEL', key, kept[i])
    end
  end
  return spent, held
end

local function add(key, field, amount)
  -- Nothing taken back is written "-0", which Redis takes for no number.
  if amount == 0 then return end
  redis.call('HINCRBY', key, field, string.format('%.0f', amount))
  redis.call('EXPIRE', key, {2 * DAY_SECONDS})
end

local function level(key, limit, seconds)
  local kept = redis.call('HMGET', key, 'level', 'time')
  if not kept[1] then return limit end
  return math.min(limit, kept[1] + math.max(0, now - kept[2]) * limit / seconds)
end

local function drain(key, limit, seconds, amount)
  local left = math.min(limit, level(key, limit, seconds) - amount)
  redis.call('HSET', key, 'level', string.format('%.6f', left), 'time', string.format('%.6f', now))
  -- Full again by then, which is what a missing key means; a minute more for clocks that are set.
  redis.call('EXPIRE', key, math.ceil((limit - left) * seconds / limit) + 60)
  return left
end

local function whole(amount)
  return math.max(0, math.floor(amount))
end
"""

# ARGV: the time or '', then limit, seconds and need of each key.
_TAKE = f"""{_COMMON}
local left, refused, wait = {{}}, 0, 0
for i, key in ipairs(KEYS) do
  local limit, seconds = tonumber(ARGV[i * 3 - 1]), tonumber(ARGV[i * 3])
  local need = tonumber(ARGV[i * 3 + 1])
  if seconds == {DAY_SECONDS} then
    local spent, held = money(key)
    left[i] = limit - spent - held
    if need > math.max(left[i], 0) and refused == 0 then
      refused, wait = i, {HOLD_RETRY_SECONDS}
      if need > left[i] + held then wait = {DAY_SECONDS} - now % {DAY_SECONDS} end
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
      add(key, 'held:' .. minute, need)
    else
      drain(key, limit, seconds, need)
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
    local hold = 'held:' .. ARGV[i * 5 + 1]
    money(key)
    if redis.call('HEXISTS', key, hold) == 1 then add(key, hold, -claimed) end
    if used > 0 then add(key, 'spent:' .. day, used) end
    local spent, held = money(key)
    answer[i] = whole(limit - spent - held)
  else
    answer[i] = whole(drain(key, limit, seconds, used - claimed))
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
            # Also one that is out of memory, or a replica that was written to: it counts nothing.
            raise Unreachable(type(error).__name__) from None
        return answer


def open_client(url: str) -> Redis:
    """A client for the stores of this service; it connects when it is first used."""
    # The other kind of pool fails above its limit, which would pass for an outage.
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=_CONNECTIONS,
        timeout=TIMEOUT_SECONDS,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        retry=None,
    )
    return Redis.from_pool(pool)
