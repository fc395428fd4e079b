"""Which of some words was meant, by edit distance in octets, without case and underscores."""

from collections.abc import Iterable


def nearest(word: str, candidates: Iterable[str]) -> str:
    """Return the nearest of some words, the first of equals; nothing where half of the word would have to be changed."""
    octets = _folded(word)
    best, distance = "", (len(octets) + 1) // 2
    for candidate in candidates:
        found = _distance(octets, _folded(candidate), distance)
        if found < distance:
            best, distance = candidate, found
    return best


def by_distance(word: str, words: list[str]) -> list[str]:
    """Return words, the nearest first."""
    octets = _folded(word)
    return sorted(words, key=lambda other: _distance(octets, _folded(other), None))


def _folded(word: str) -> bytes:
    return word.replace("_", "").lower().encode("utf-8", "surrogateescape")


def _distance(one: bytes, other: bytes, limit: int | None) -> int:
    one, other = (other, one) if len(one) > len(other) else (one, other)
    # Only where they differ within the shorter one is a common beginning left out, as upstream does it.
    differ = next((at for at, octet in enumerate(one) if octet != other[at]), 0)
    one, other = one[differ:], other[differ:]
    if not one:
        return len(other)
    if limit is not None and len(other) - len(one) > limit:
        return len(other) - len(one)
    row = list(range(len(other) + 1))
    for count, octet in enumerate(one, 1):
        previous, row[0] = count - 1, count
        best = count
        for at, against in enumerate(other, 1):
            cost = min(previous + (octet != against), row[at - 1] + 1, row[at] + 1)
            previous, row[at] = row[at], cost
            best = min(best, cost)
        if limit is not None and best > limit:
            return best
    return row[-1]
