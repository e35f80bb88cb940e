"""How long and how often the bench measures, so that it ends within five minutes."""

import time
from dataclasses import dataclass, field

LIMIT_SECONDS = 275.0
"""No repeat begins that would not be over by then, with what still follows it."""

HARD_LIMIT_SECONDS = 290.0
"""The bench stops here whatever it is doing, and reports what it has."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The size of a run.

    Attributes:
        repeats: of every cell; the turns get fewer where time runs out.
        concurrencies: customers at once.
        cell_seconds: of one repeat of turns.
        echo_seconds: of one repeat of echo calls.
        understanding_seconds: of one repeat of calls to intent or sentiment.
        gateway_seconds: of one repeat of answers, directly or through the gateway.
        paced_seconds: of one repeat of those that the provider writes as a model does.
        most_turns: of one repeat.
        most_calls: of one repeat of echo calls.
        counted_turns: of each workload, for counting SQL statements.
        began: monotonic clock at the start of the bench.
    """

    repeats: int = 3
    concurrencies: tuple[int, ...] = (1, 8, 32)
    cell_seconds: float = 3.0
    echo_seconds: float = 1.2
    understanding_seconds: float = 0.7
    gateway_seconds: float = 0.8
    paced_seconds: float = 2.0
    most_turns: int = 4000
    most_calls: int = 20_000
    counted_turns: int = 10
    began: float = field(default_factory=time.monotonic)

    @property
    def elapsed_seconds(self) -> float:
        """Since the bench began."""
        return time.monotonic() - self.began

    def has_time_for(self, seconds: float) -> bool:
        """Whether something of that length would end in time."""
        return self.elapsed_seconds + seconds < LIMIT_SECONDS


QUICK = {
    "repeats": 1,
    "cell_seconds": 0.7,
    "echo_seconds": 0.3,
    "understanding_seconds": 0.2,
    "gateway_seconds": 0.2,
    "paced_seconds": 0.5,
    "counted_turns": 3,
}
"""What `--quick` changes: enough to see that the bench works, too little to read a figure from."""
