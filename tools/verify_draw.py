#!/usr/bin/env python3
"""Recomputes a finished draw without any of Anteroom's code: Python's standard library is all it takes.

usage: verify_draw.py DOCUMENT [--event NAME] [--rank RANK]

DOCUMENT is a file, or the address of a room's `.anteroom/draw`:
{"draws": [{"event": "...", "commitment": hex, "seed": hex, "hash": hex, "first": 0, "count": 3}]}
For each draw it is checked that the seed is the one that was committed to, and either the place of RANK is told, or,
for up to 100 000 people, that everybody has a place of their own. How a place is computed: docs/draw.md.
"""

import argparse
import json
import sys
import urllib.request
from hashlib import sha256

EVERYBODY_MAX = 100_000


def number(value):
    return value.to_bytes(8, "big")


def hash_of_joins(holders):
    digest = bytes(32)
    for holder in holders:
        digest = sha256(digest + holder).digest()
    return digest


def permutation(seed, joins, first, count):
    """The function from a rank to its place."""
    key = sha256(seed + joins + number(first) + number(count)).digest()
    side = 2  # 2^k: numbers below side * side are permuted
    while side * side < count:
        side *= 2

    def once(x):
        left, right = divmod(x, side)
        for r in range(12):
            f = int.from_bytes(sha256(key + bytes([r]) + number(right)).digest()[:8], "big") % side
            left, right = right, left ^ f
        return left * side + right

    def place(rank):
        if not first <= rank < first + count:
            raise ValueError(f"rank {rank} is not among the drawn, {first} to {first + count - 1}")
        x = once(rank - first)
        while x >= count:
            x = once(x)
        return first + x

    return place


def verify(draw, rank=None):
    """What there is to say of one draw. Raises ValueError where it does not hold."""
    seed, joins, commitment = (bytes.fromhex(draw[name]) for name in ("seed", "hash", "commitment"))
    first, count = draw["first"], draw["count"]
    if len(seed) != 32 or len(joins) != 32:
        raise ValueError("the seed and the hash must have 32 bytes each")
    if not 0 <= first < 2**64 or not 0 <= count < 2**64:
        raise ValueError("first and count must be numbers below 2^64")
    if sha256(seed).digest() != commitment:
        raise ValueError("the seed is not the one that was committed to")
    said = "the seed is the one that was committed to"
    place = permutation(seed, joins, first, count)
    if rank is not None:
        return f"{said}; rank {rank} has place {place(rank)}"
    if count > EVERYBODY_MAX:
        return f"{said}; {count} were drawn, too many to list: ask for one with --rank"
    ranks = range(first, first + count)
    if sorted(map(place, ranks)) != list(ranks):
        raise ValueError("two people have the same place")
    return f"{said}; each of the {count} drawn has a place of their own"


def read(document):
    if document.startswith(("http://", "https://")):
        with urllib.request.urlopen(document, timeout=30) as answer:
            return json.load(answer)
    with open(document, encoding="utf-8") as file:
        return json.load(file)


def main():
    parser = argparse.ArgumentParser(description="Recomputes a finished draw. See docs/draw.md.")
    parser.add_argument("document", help="a file, or the address of a room's .anteroom/draw")
    parser.add_argument("--event", help="only the draw of this event")
    parser.add_argument("--rank", type=int, help="tell the place of this rank")
    asked = parser.parse_args()
    held, said = 0, 0
    try:
        draws = read(asked.document)["draws"]
    except (OSError, ValueError, KeyError, TypeError) as fault:
        sys.exit(f"{asked.document} is no document of draws: {fault!r}")
    for draw in draws:
        name = draw.get("event", "")
        if asked.event not in (None, name):
            continue
        said += 1
        try:
            print(f"{name}: {verify(draw, asked.rank)}")
            held += 1
        except (ValueError, KeyError, TypeError) as fault:
            print(f"{name}: FAILED: {fault}")
    if said == 0:
        sys.exit("no draw to verify")
    sys.exit(0 if held == said else 1)


if __name__ == "__main__":
    main()
