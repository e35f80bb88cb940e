"""CPU time is read from the kernel, and nobody's is counted twice."""

import os
import time

from tests.bench.processes import Usage, cpu_seconds, family, machine_busy_seconds, parse_stat

TABLE = {
    1: Usage(0, 9),
    10: Usage(1, 5),  # the supervisor
    11: Usage(10, 7),  # the postmaster
    12: Usage(11, 3),  # a backend
    13: Usage(10, 2),  # a service
}


def test_a_line_is_read_behind_the_name() -> None:
    """A name may hold blanks and brackets; user and system time and those of children count."""
    fields = "S 9610 1 1 0 -1 4194560 1 1 0 1 40 2 17 29 20 0 1 0 397254"
    assert parse_stat(f"9646 (po) st (gres) {fields}") == Usage(9610, 40 + 2 + 17 + 29)


def test_backends_belong_to_the_postmaster() -> None:
    """They come and go; what they used is the database's."""
    assert family(TABLE, 11, {10, 11, 13}) == [11, 12]


def test_a_process_with_a_name_of_its_own_is_not_its_parent_s() -> None:
    """Else the supervisor would be charged with the whole mesh."""
    assert family(TABLE, 10, {10, 11, 13}) == [10]
    assert sorted(family(TABLE, 10, {10})) == [10, 11, 12, 13]


def test_this_process_uses_cpu_and_the_machine_at_least_as_much() -> None:
    """Both clocks come from the kernel, so they move together."""
    own, machine = cpu_seconds({"own": os.getpid()})["own"], machine_busy_seconds()
    burnt = time.process_time() + 0.05
    while time.process_time() < burnt:
        pass
    # Either clock may be one tick of 10 ms behind, the machine's one tick per core.
    assert cpu_seconds({"own": os.getpid()})["own"] - own >= 0.03
    assert machine_busy_seconds() - machine >= 0.02


def test_a_process_that_is_gone_used_nothing() -> None:
    """Process ids end at 2^22, so this one cannot exist."""
    assert cpu_seconds({"gone": 2**22 + 1}) == {"gone": 0.0}
