"""Doing the next piece of work while the last one is being used: numpy lets two threads run at once."""

import queue
import threading
from collections.abc import Iterable, Iterator
from typing import Final, TypeVar

T = TypeVar("T")
_WAITING: Final = 2
_POLL_S: Final = 0.1


class _End:
    """The last thing in the queue, with what went wrong if anything did."""

    def __init__(self, failure: BaseException | None) -> None:
        self.failure = failure


def ahead(items: Iterable[T]) -> Iterator[T]:
    """Yield `items`, made by a thread that is at most a few of them ahead and ends when the caller loses interest."""
    ready: queue.Queue[T | _End] = queue.Queue(_WAITING)
    stop = threading.Event()

    def put(item: T | _End) -> None:
        while not stop.is_set():
            try:
                ready.put(item, timeout=_POLL_S)
            except queue.Full:
                continue
            return

    def work() -> None:
        failure: BaseException | None = None
        try:
            for item in items:
                put(item)
                if stop.is_set():
                    return
        except BaseException as caught:  # noqa: BLE001 - raised again where the items are used
            failure = caught
        put(_End(failure))

    thread = threading.Thread(target=work, name="longpipe-read", daemon=True)
    thread.start()
    try:
        while not isinstance(item := ready.get(), _End):
            yield item
        if item.failure is not None:
            raise item.failure
    finally:
        stop.set()
        thread.join()
