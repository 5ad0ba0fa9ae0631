"""Threads that begin at once and are switched often."""

import sys
import threading
from collections.abc import Callable


def together(count: int, work: Callable[[int], object], switch_seconds: float = 2e-5) -> None:
    """Run ``work(0)`` ... ``work(count - 1)`` in threads; the first error of any is raised."""
    start = threading.Barrier(count)
    errors: list[BaseException] = []

    def run(number: int) -> None:
        start.wait()
        try:
            work(number)
        except BaseException as error:
            errors.append(error)

    before = sys.getswitchinterval()
    sys.setswitchinterval(switch_seconds)
    try:
        threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    finally:
        sys.setswitchinterval(before)
    assert not any(thread.is_alive() for thread in threads), "a thread hangs"
    if errors:
        raise errors[0]
