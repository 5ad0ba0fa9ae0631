"""What the heap does with freed memory, in processes of their own: it is a setting of the whole process."""

import subprocess
import sys

import pytest

from memoradb.core.heap import keep_freed_memory

FAULTS = """
import resource, sys
import numpy as np
from memoradb.core.heap import keep_freed_memory
if not keep_freed_memory({}):
    sys.exit("no glibc")
def work():
    arrays = [np.full(100_000, i) for i in range(8)]
work()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    work()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def test_arrays_that_come_and_go_get_the_same_memory_again() -> None:
    done = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True, check=False)
    if done.returncode and "no glibc" in done.stderr:
        pytest.skip("The C library is not glibc.")
    assert not done.returncode, done.stderr
    assert int(done.stdout) < 200  # without it each round faults about 1,600 times


@pytest.mark.parametrize("name", ["MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES"])
def test_who_has_settings_for_the_allocator_keeps_them(name: str) -> None:
    assert not keep_freed_memory({name: "1"})
