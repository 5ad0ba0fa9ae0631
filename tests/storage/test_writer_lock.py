"""One writer at a time, and how many there will be."""

import threading

from memoradb.storage.writer_lock import WriterLock


def test_nobody_is_present_where_nobody_holds_it() -> None:
    lock = WriterLock()
    assert lock.present() == 0
    with lock:
        assert lock.present() == 1
        with lock:
            assert lock.present() == 1  # the same thread
    assert lock.present() == 0


def test_those_who_wait_are_counted_and_get_it_one_after_another() -> None:
    lock = WriterLock()
    holders: list[int] = []

    def work(number: int) -> None:
        with lock:
            holders.append(number)
            assert len(holders) == 1
            holders.remove(number)

    waiting = threading.Event()
    with lock:
        threads = [threading.Thread(target=work, args=(n,)) for n in range(5)]
        for thread in threads:
            thread.start()
        for _ in range(1_000):
            if lock.present() == 6:
                break
            waiting.wait(0.005)
        assert lock.present() == 6
    for thread in threads:
        thread.join(10)
    assert lock.present() == 0 and not holders
