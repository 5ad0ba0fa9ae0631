"""Arrays against what numpy's own functions give."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from memoradb.core.arrays import distinct


@given(st.lists(st.integers(-4, 4)))
def test_every_value_is_there_once_in_order(items: list[int]) -> None:
    values = np.array(items, np.int64)
    assert distinct(values).tolist() == np.unique(values).tolist()
    assert values.tolist() == items
