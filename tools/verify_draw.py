#!/usr/bin/env python3
"""Recomputes a finished draw without any of Anteroom's code: Python's standard library is all it takes.

usage: verify_draw.py DOCUMENT [--event NAME] [--rank RANK] [--commitment COMMITMENT]

DOCUMENT is a file, or the address of a room's `.anteroom/draw`:
{"draws": [{"event": "...", "commitment": hex, "seed": hex, "hash": hex, "first": 0, "count": 3}]}
For each draw either the place of RANK is told, or, for up to 100 000 people, that everybody has a place of their own. How a
place is computed: docs/draw.md.

COMMITMENT is what the room promised before the start, noted down by then: the seed must be the one it was made from. The document's own
commitment was told together with the seed, and shows no promise.
"""

import argparse
import base64
import json
import re
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


def digest_of(text):
    """A commitment as it is shown: 64 hexadecimal digits in the document of draws, 43 letters on the board."""
    text = text.strip()
    if re.fullmatch("[0-9a-fA-F]{64}", text):
        return bytes.fromhex(text)
    if re.fullmatch("[0-9A-Za-z_-]{43}", text):
        return base64.urlsafe_b64decode(text + "=")
    raise argparse.ArgumentTypeError("neither 64 hexadecimal digits nor 43 letters of base64url")


def verify(draw, rank=None, promised=None):
    """What there is to say of one draw, whose commitment somebody has noted. Raises ValueError where it does not hold."""
    seed, joins, commitment = (bytes.fromhex(draw[name]) for name in ("seed", "hash", "commitment"))
    first, count = draw["first"], draw["count"]
    if len(seed) != 32 or len(joins) != 32:
        raise ValueError("the seed and the hash must have 32 bytes each")
    if not 0 <= first < 2**64 or not 0 <= count < 2**64:
        raise ValueError("first and count must be numbers below 2^64")
    if sha256(seed).digest() != commitment:
        raise ValueError("the seed is not that of the document's own commitment")
    if promised not in (None, commitment):
        raise ValueError("the seed is not the one that was promised; if another draw was, name it with --event")
    said = "the seed is the one that was promised" if promised else "the seed may be any: no --commitment was given"
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
    parser.add_argument("--commitment", type=digest_of, help="what was promised before the start, noted down by then")
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
            print(f"{name}: {verify(draw, asked.rank, asked.commitment)}")
            held += 1
        except (ValueError, KeyError, TypeError) as fault:
            print(f"{name}: FAILED: {fault}")
    if said == 0:
        sys.exit("no draw to verify")
    if asked.commitment is None:
        print("NOT CHECKED: whether these seeds were promised. Give --commitment what the room told before the start (docs/draw.md).")
    sys.exit(0 if held == said else 1)


if __name__ == "__main__":
    main()
