"""The one door to models: asks providers in order of preference until one of them writes."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Protocol

from opentelemetry.trace import NoOpTracer, Tracer

from services.generation import retrying, telemetry
from services.generation.chat import Caller, Patience, Writing
from services.generation.dialogue import Attempt, Usage
from services.generation.failure import Cause, ModelFailure
from services.generation.prompt import Message
from services.generation.route import Place, Route
from services.generation.usage import estimated

# Less time than this is not worth a request that is paid for.
_LEAST_SECONDS = 0.05

_Waiting = tuple[Route, ModelFailure | None]
"""Who is asked next, and how it has failed before."""

# The contract's limit for the attempts of a result.
_MOST_ATTEMPTS = 20


class Admission(Protocol):
    """Who decides whether a request may be made, and keeps account of what it cost."""

    async def admit(self, caller: Caller, provider: str, tokens: int) -> None:
        """Let a request to a provider pass, which may use so many tokens.

        Raises:
            QuotaExhausted: The caller has used up a limit; nobody is asked.
            ModelFailure: The provider has had as many requests as it may; the next one is asked.
        """
        ...

    def spent(self, caller: Caller, provider: str, usage: Usage | None) -> object:
        """Begin to note what an admitted request has used: nobody waits for it. Never raises.

        Args:
            caller: Who was let pass.
            provider: To whom.
            usage: None: the request was not made.
        """
        ...


class Restoring(Protocol):
    """Puts what was hidden back into a streamed text, however that is cut."""

    def feed(self, piece: str) -> str:
        """Return the words that are certain now."""
        ...

    def close(self) -> str:
        """Return the rest."""
        ...


class Hiding(Protocol):
    """Takes what identifies people out of messages that leave the mesh."""

    def hide(self, messages: list[Message]) -> tuple[list[Message], Restoring]:
        """Return messages with placeholders, and what puts the values back."""
        ...

    def conceal(self, text: str) -> str:
        """Return a text with placeholders, of which only a vector is made."""
        ...


class Gateway:
    """The providers of one use, such as chat, in order of preference."""

    def __init__(
        self,
        routes: Sequence[Route],
        *,
        named: Sequence[Route] = (),
        admission: Admission | None = None,
        hiding: Hiding | None = None,
        tracer: Tracer | None = None,
    ) -> None:
        """Keep the providers.

        Args:
            routes: At least one, best first.
            named: More of them, for requests that ask for a model by its name.
            admission: Lets requests pass and settles them; None: all pass.
            hiding: Hides what identifies people from providers that are not internal; None where
                nothing is to be hidden.
            tracer: Makes a span of each request to a provider.
        """
        self.routes = tuple(routes)
        self.named = (*self.routes, *(route for route in named if route not in self.routes))
        self._admission = admission
        self._hiding = hiding
        self._tracer = tracer or NoOpTracer()

    @property
    def name(self) -> str:
        """Name of the preferred model."""
        return self.routes[0].model.name

    @property
    def patience(self) -> Patience:
        """How long an answer is waited for where nobody is in a hurry."""
        every = [route.model.patience for route in self.routes]
        return Patience(
            max(each.first_token for each in every),
            max(each.between_tokens for each in every),
            max(each.total for each in every),
        )

    def terse(self, max_tokens: int) -> "Gateway":
        """Return the same providers, asked for the likeliest answer of at most so many tokens."""
        return Gateway(
            [route.terse(max_tokens) for route in self.routes],
            admission=self._admission,
            hiding=self._hiding,
            tracer=self._tracer,
        )

    def usage(self, writing: Writing) -> Usage:
        """Return what an answer cost, all attempts at it together, by the name of who wrote it."""
        first, *others = writing.spent
        total = sum(others, start=first)
        return replace(total, model=writing.model or total.model)

    async def write(self, writing: Writing, patience: Patience) -> AsyncGenerator[str, None]:
        """Ask for an answer and yield its text piece by piece; `writing` keeps the account.

        Until the reader has shown a word of the answer (`writing.shown`) a provider that fails is
        followed by the next one, and when all have failed, those whose failure may pass are asked
        again after a moment. What the one before had written is forgotten: of the first piece of
        each, `writing.text` is the whole. After it the failure is the answer's end. Closing the
        iterator or cancelling its reader closes the HTTP request at once.

        Raises:
            ModelFailure: No provider answered, or one not to the end.
            QuotaExhausted: The caller has used up a limit; raised before anything is spent.
        """
        now = asyncio.get_running_loop().time
        end = now() + patience.total
        # A customer is not kept waiting for a retry longer than for a first word.
        last_retry = min(now() + patience.first_token, end - _LEAST_SECONDS)
        named = [route for route in self.named if route.model.name == writing.wanted]
        waiting: list[_Waiting] = [(route, None) for route in named or self.routes]
        for retry in range(retrying.RETRIES + 1):
            failures: list[tuple[Route, ModelFailure]] = []
            for behind, (route, before) in enumerate(waiting, start=1 - len(waiting)):
                left = end - now()
                if left < _LEAST_SECONDS or len(writing.attempts) >= _MOST_ATTEMPTS:
                    if not failures:
                        raise before or ModelFailure(Cause.TIMEOUT)
                    break
                # Who was not asked yet has only waited: that is no retry.
                again = before is not None and before.asked
                if before is not None and again and not route.guard.retries.take():
                    failures.append((route, before))
                    continue
                share = _share(patience, route, left, last=behind == 0)
                try:
                    attempt = self._attempt(route, writing, share, again=again)
                    async with aclosing(attempt) as pieces:
                        async for piece in pieces:
                            yield piece
                    return
                except ModelFailure as failure:
                    if writing.shown:
                        raise
                    failures.append((route, failure))
            wait, waiting = _again(failures, retry, last_retry - now())
            if not waiting:
                raise _summed_up([failure for _, failure in failures])
            await asyncio.sleep(wait)

    async def _attempt(
        self, route: Route, writing: Writing, patience: Patience, *, again: bool
    ) -> AsyncGenerator[str, None]:
        """Ask one provider when it has a place free; `writing` notes how that went."""
        begun = asyncio.get_running_loop().time()
        writing.reported = None
        try:
            async with route.guard.place(patience.first_token) as place:
                waited = asyncio.get_running_loop().time() - begun
                asking = self._ask(route, writing, patience.after(waited), place, again=again)
                async with aclosing(asking) as pieces:
                    async for piece in pieces:
                        yield piece
        except ModelFailure as failure:
            if not writing.shown:
                _forget(writing)
                writing.attempts.append(Attempt(route.provider, route.model.name, failure.cause))
            telemetry.record_attempt(route.provider, failure.cause)
            raise
        telemetry.record_attempt(route.provider)

    async def _ask(
        self, route: Route, writing: Writing, patience: Patience, place: Place, *, again: bool
    ) -> AsyncGenerator[str, None]:
        """Make one request; `writing` gets the words as the customer may see them.

        Args:
            route: Who is asked.
            writing: Keeps the account.
            patience: How long it is waited for.
            place: The one that the request has.
            again: Whether it was asked for this answer before.
        """
        now = asyncio.get_running_loop().time
        begun = now()
        asked = Writing(writing.messages, writing.caller, conversation=writing.conversation)
        restoring = None
        if self._hiding and not route.internal:
            asked.messages, restoring = self._hiding.hide(writing.messages)
        if self._admission:
            await self._admission.admit(writing.caller, route.provider, _tokens(route, asked))
        patience = patience.after(now() - begun)
        if _too_late(route, patience):
            if self._admission:
                self._admission.spent(writing.caller, route.provider, None)
            raise ModelFailure(Cause.TIMEOUT)
        if not again:
            route.guard.retries.request()
        span = telemetry.AttemptSpan(self._tracer, route.provider, route.model)
        end = now() + patience.total
        failure = None
        try:
            async with aclosing(route.model.write(asked, patience)) as pieces:
                async for written in pieces:
                    span.written()
                    piece = restoring.feed(written) if restoring else written
                    if shown := _append(writing, route, piece):
                        yield shown
            place.answered = True
        except ModelFailure as error:
            failure = error
            failure.asked = True
            late = now() >= end
            if failure.cause is not Cause.TIMEOUT or not _hasty(route, asked, patience, late=late):
                place.failure = failure
        finally:
            writing.finish, writing.reported = asked.finish, asked.reported
            usage = _usage(route, asked, failure)
            if usage != Usage(usage.model, 0, 0):
                writing.spent.append(usage)
            span.end(asked, usage, failure)
            if self._admission:
                self._admission.spent(writing.caller, route.provider, usage)
        if restoring and (shown := _append(writing, route, restoring.close())):
            yield shown
        if failure:
            raise failure


def _forget(writing: Writing) -> None:
    """Take back what a provider has begun to write and nobody has seen."""
    if writing.text:
        writing.attempts.pop()
    writing.text = writing.provider = writing.model = ""


def _append(writing: Writing, route: Route, piece: str) -> str:
    """Add words to the answer and return them; blanks at its start are no words."""
    if not writing.text:
        piece = piece.lstrip()
        if piece:
            writing.provider, writing.model = route.provider, route.model.name
            writing.attempts.append(Attempt(route.provider, route.model.name))
    writing.text += piece
    return piece


def _share(patience: Patience, route: Route, left: float, *, last: bool) -> Patience:
    """Return how long one of several providers is waited for when so many seconds are left."""
    own = route.model.patience
    # Where the time is short, half of it is kept for who comes next, as long as that is any use.
    first = left if last or left < 2 * _LEAST_SECONDS else left / 2
    return Patience(
        min(own.first_token, patience.first_token, first),
        min(own.between_tokens, patience.between_tokens),
        min(own.total, left),
    )


def _too_late(route: Route, patience: Patience) -> bool:
    """Whether waiting for a place and for its admission has left a request too little time."""
    own = route.model.patience
    return any(
        left < min(_LEAST_SECONDS, whole / 2)
        for left, whole in (
            (patience.first_token, own.first_token),
            (patience.total, own.total),
        )
    )


def _hasty(route: Route, asked: Writing, patience: Patience, *, late: bool) -> bool:
    """Whether a timeout tells of the caller's deadline rather than of the provider.

    Args:
        route: Who was asked.
        asked: What came of it.
        patience: How long it was waited for.
        late: Whether all of that time is over.
    """
    if asked.text:
        return late
    return patience.first_token < route.model.patience.first_token / 2


def _tokens(route: Route, asked: Writing) -> int:
    return estimated(asked.messages, "")[0] + route.model.max_tokens


def _usage(route: Route, asked: Writing, failure: ModelFailure | None) -> Usage:
    """Return what a request cost: all of it where the provider may have worked on it.

    Who leaves while it is connected to has sent nothing yet, which the client does not tell.
    """
    if asked.text or asked.reported or failure is None or failure.cause is Cause.TIMEOUT:
        return route.model.usage(asked)
    return Usage(route.model.name, 0, 0)


def _again(
    failures: list[tuple[Route, ModelFailure]], retry: int, left: float
) -> tuple[float, list[_Waiting]]:
    """Return how long to wait and whom to ask then; nobody where a retry is not worth it."""
    jitter = retrying.jitter_seconds(retry)
    waits = [
        (jitter + (failure.retry_after_seconds or 0.0), route, failure)
        for route, failure in failures
        if retrying.retryable(failure)
    ]
    soonest = min((wait for wait, _, _ in waits), default=left)
    if retry >= retrying.RETRIES or soonest >= left:
        return 0.0, []
    return soonest, [
        (route, failure)
        for wait, route, failure in waits
        # A retry is taken by who is asked again: one before may answer.
        if wait == soonest and (not failure.asked or route.guard.retries.allows())
    ]


def _summed_up(failures: list[ModelFailure]) -> ModelFailure:
    """Return the last failure, with the time after which the first of all is worth a try again."""
    waits = [each.retry_after_seconds for each in failures if each.retry_after_seconds is not None]
    return ModelFailure(failures[-1].cause, min(waits, default=None))
