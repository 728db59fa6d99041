"""Items of a stream by their number, where only the last ones are held."""

import collections
from collections.abc import Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Recent(Generic[Item]):
    """The last items of an iterator, asked for in about their order."""

    def __init__(self, items: Iterator[Item], num_kept: int) -> None:
        self._items = items
        self._held: collections.deque[Item] = collections.deque(maxlen=num_kept)
        self._num_read = 0

    def at(self, number: int) -> tuple[int, Item]:
        """The item of a number, or the nearest one that is there, and its own number.

        Before the first stands the first, after the last one the last.
        """
        while self._num_read <= max(number, 0):
            item = next(self._items, None)
            if item is None:
                break
            self._held.append(item)
            self._num_read += 1
        oldest = self._num_read - len(self._held)
        found = min(max(number, oldest), self._num_read - 1)
        return found, self._held[found - oldest]
