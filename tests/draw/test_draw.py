"""The Python that strangers verify draws with, and the vectors that bind the Worker's Rust to it.

`python3 tests/draw/test_draw.py --write` makes vectors.json again; tests/draw.rs reads it.
"""

import base64
import contextlib
import io
import itertools
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest
from fractions import Fraction
from hashlib import sha256
from unittest import mock

FOLDER = pathlib.Path(__file__).parent
ROOT = FOLDER.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import verify_draw  # noqa: E402

# How many are drawn, and the first rank among them.
DRAWS = [(0, 9), (1, 0), (2, 5), (3, 0), (4, 1000), (5, 0), (16, 2**40 - 16), (17, 1), (1_000_000, 123_456)]
POINTS = [0, 1, 2, 499_999, 500_000, 999_998, 999_999]
# Of so many ranks the places are hashed.
DIGESTED_MAX = 100_000


def vector(count, first):
    """The holders are the numbers from 0 on, in 16 bytes each."""
    seed = sha256(f"anteroom draw of {count}".encode()).digest()
    joins = verify_draw.hash_of_joins(number.to_bytes(16, "big") for number in range(count))
    place = verify_draw.permutation(seed, joins, first, count)
    offsets = range(count) if count < 100 else POINTS
    # Of the places in the order of ranks, in 8 bytes each.
    digest = sha256()
    for rank in range(first, first + min(count, DIGESTED_MAX)):
        digest.update(verify_draw.number(place(rank)))
    return {
        "event": f"vector of {count}",
        "commitment": sha256(seed).hexdigest(),
        "seed": seed.hex(),
        "hash": joins.hex(),
        "first": first,
        "count": count,
        "digest": digest.hexdigest(),
        "places": [[first + offset, place(first + offset)] for offset in offsets],
    }


def ideal_odds(rounds, count):
    """How likely each order of up to four people is, exactly, were the round function ideal."""
    def step(function, x):
        left, right = divmod(x, 2)
        return right * 2 + (left ^ function[right])

    steps = [tuple(step(function, x) for x in range(4)) for function in itertools.product(range(2), repeat=2)]
    odds = {(0, 1, 2, 3): Fraction(1)}
    for _ in range(rounds):
        after = {}
        for (order, chance), one in itertools.product(odds.items(), steps):
            image = tuple(one[x] for x in order)
            after[image] = after.get(image, 0) + chance / len(steps)
        odds = after

    def walked(order, x):
        x = order[x]
        return x if x < count else walked(order, x)

    drawn = {}
    for order, chance in odds.items():
        image = tuple(walked(order, x) for x in range(count))
        drawn[image] = drawn.get(image, 0) + chance
    return drawn


class Draw(unittest.TestCase):
    def setUp(self):
        self.draws = json.loads((FOLDER / "vectors.json").read_text())["draws"]

    def run_script(self, *arguments):
        said = io.StringIO()
        with mock.patch("sys.argv", ["verify_draw.py", *arguments]), contextlib.redirect_stdout(said):
            with self.assertRaises(SystemExit) as ended:
                verify_draw.main()
        return ended.exception.code, said.getvalue()

    def test_the_vectors_are_what_this_script_computes(self):
        for (count, first), stored in zip(DRAWS, self.draws, strict=True):
            self.assertEqual(stored, vector(count, first))

    def test_the_docs_tell_the_same_rule(self):
        told = re.search(r"```python\n(.*?)```", (ROOT / "docs" / "draw.md").read_text(), re.DOTALL)
        names = {}
        exec(told.group(1), names)
        for draw in self.draws:
            seed, joins = bytes.fromhex(draw["seed"]), bytes.fromhex(draw["hash"])
            for rank, place in draw["places"]:
                self.assertEqual(names["place"](seed, joins, draw["first"], draw["count"], rank), place)

    def test_every_vector_verifies(self):
        code, said = self.run_script(str(FOLDER / "vectors.json"))
        self.assertEqual((code, said.count("a place of their own"), said.count("too many")), (0, len(DRAWS) - 1, 1), said)

    def test_a_rank_is_told_its_place(self):
        rank, place = self.draws[-1]["places"][-1]
        code, said = self.run_script(str(FOLDER / "vectors.json"), "--event", "vector of 1000000", "--rank", str(rank))
        self.assertEqual((code, f"rank {rank} has place {place}" in said), (0, True), said)

    def test_another_seed_than_that_of_the_document_s_own_commitment_fails(self):
        draw = self.draws[3] | {"seed": "00" * 32}
        with self.assertRaisesRegex(ValueError, "document's own commitment"):
            verify_draw.verify(draw)

    def make(self, *arguments):
        command = ["make", "--silent", "--no-print-directory", "-C", str(ROOT), "verify-draw", *arguments]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        return ended.returncode == 0, ended.stdout + ended.stderr

    def test_a_broken_promise_is_found_by_whoever_noted_it(self):
        """As a room would have it that drew with another seed: it tells the commitment of the seed that it tells."""
        promised, other = self.draws[4], bytes(32)
        told = promised | {"seed": other.hex(), "commitment": sha256(other).hexdigest()}
        in_letters = base64.urlsafe_b64encode(bytes.fromhex(promised["commitment"])).decode().rstrip("=")
        with tempfile.TemporaryDirectory() as folder:
            kept, broken = pathlib.Path(folder) / "kept.json", pathlib.Path(folder) / "broken.json"
            kept.write_text(json.dumps({"draws": [promised]}))
            broken.write_text(json.dumps({"draws": [told]}))
            for noted in [promised["commitment"], promised["commitment"].upper(), in_letters]:
                holds, said = self.make(f"FILE={kept}", f"COMMITMENT={noted}")
                self.assertTrue(holds and "is the one that was promised" in said and "NOT CHECKED" not in said, said)
                holds, said = self.make(f"FILE={broken}", f"COMMITMENT={noted}")
                self.assertTrue(not holds and "FAILED: the seed is not the one that was promised" in said, said)
            holds, said = self.make(f"FILE={broken}")
            self.assertTrue(holds and "may be any" in said and "NOT CHECKED" in said, "it is said what was not checked")
            for noted in ["00", "g" * 64]:
                holds, said = self.make(f"FILE={kept}", f"COMMITMENT={noted}")
                self.assertFalse(holds, f"{noted}: {said}")

    def test_the_command_tells_a_place_of_an_event_that_is_named(self):
        draw = self.draws[-1]
        rank, place = draw["places"][-1]
        asked = [f"FILE={FOLDER / 'vectors.json'}", f"EVENT={draw['event']}", f"COMMITMENT={draw['commitment']}", f"RANK={rank}"]
        holds, said = self.make(*asked)
        self.assertTrue(holds and said.strip().endswith(f"promised; rank {rank} has place {place}"), said)
        self.assertEqual(self.make("FILE=/nothing")[0], False)
        self.assertEqual(self.make(*asked[:1], "EVENT=none")[0], False)

    def test_who_was_not_drawn_has_no_place(self):
        with self.assertRaisesRegex(ValueError, "not among the drawn"):
            verify_draw.verify(self.draws[3], rank=3)

    def test_no_order_of_few_is_favoured_by_the_number_of_rounds(self):
        for count, orders, bound in [(3, 6, 4096), (4, 24, 1024)]:
            odds = ideal_odds(12, count)
            self.assertEqual(len(odds), orders)
            self.assertLessEqual(max(abs(chance * orders - 1) for chance in odds.values()), Fraction(1, bound))

    def test_of_sixteen_only_the_even_orders_come_out(self):
        for number in range(50):
            place = verify_draw.permutation(bytes([number] * 32), bytes(32), 0, 16)
            order = [place(rank) for rank in range(16)]
            inversions = sum(one > other for one, other in itertools.combinations(order, 2))
            self.assertEqual(inversions % 2, 0)


def write():
    lines = [json.dumps(vector(count, first)) for count, first in DRAWS]
    (FOLDER / "vectors.json").write_text('{"draws":[\n' + ",\n".join(lines) + "\n]}\n")


if __name__ == "__main__":
    if "--write" in sys.argv:
        write()
    else:
        unittest.main()
