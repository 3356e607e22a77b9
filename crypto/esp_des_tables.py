# SPDX-License-Identifier: BSD-3-Clause
"""Prints crypto/esp_des_tables.h: DES (FIPS 46-3) as crypto/esp_des_wide.c runs it.

There each S-box has a register of its own, with the six bits that it is to look up, an octet a lane.  What it puts out
goes to six of the next round's inputs, and each input comes from six S-boxes.  So bits can be placed such that every bit
comes out of its S-box at the very position where the next one wants it: in a bipartite graph of S-boxes of this round
and of the next, six edges at each, the positions are a colouring of the edges with six colours.

python3 crypto/esp_des_tables.py > crypto/esp_des_tables.h
"""

SBOXES = """
e4d12fb83a6c5907 0f74e2d1a6cb9538 41e8d62bfc973a50 fc8249175b3ea06d f18e6b34972dc05a 3d47f28ec01a69b5 0e7ba4d158c6932f d8a13f42b67c05e9
a09e63f51dc7b428 d709346a285ecbf1 d6498f30b12c5ae7 1ad069874fe3b52c 7de3069a1285bc4f d8b56f03472c1ae9 a690cb7df13e5284 3f06a1d8945bc72e
2c417ab6853fd0e9 eb2c47d150fa3986 421bad78f9c5630e b8c71e2d6f09a453 c1af92680d34e75b af427c9561de0b38 9ef528c3704a1db6 432c95fabe17608d
4b2ef08d3c975a61 d0b7491ae35c2f86 14bdc37eaf680592 6bd814a7950fe23c d2846fb1a93e50c7 1fd8a374c56b0e92 7b419ce206adf358 21e74a8dfc90356b
"""
P = [16, 7, 20, 21, 29, 12, 28, 17, 1, 15, 23, 26, 5, 18, 31, 10, 2, 8, 24, 14, 32, 27, 3, 9, 19, 13, 30, 6, 22, 11, 4, 25]
IP = [8 * (7 - i) + b for b in (1, 3, 5, 7, 0, 2, 4, 6) for i in range(8)]  # bits from 0, as sent
E = [[(4 * box + p - 1) % 32 for p in range(6)] for box in range(8)]


def sboxes():
    rows = SBOXES.split()
    return [[[int(digit, 16) for digit in rows[4 * box + row]] for row in range(4)] for box in range(8)]


def edges():
    """(S-box, its output bit, next S-box, its input), of all."""
    comes_from = [(p - 1) // 4 for p in P]
    return [(comes_from[bit], (P[bit] - 1) % 4, box, p) for box in range(8) for p, bit in enumerate(E[box])]


def colour(graph):
    """A position for each edge, no two alike at one end: along alternating paths, as in the proof of Koenig's theorem."""
    at = {}  # (side, S-box, position): edge
    for edge in graph:
        u, v = ("from", edge[0]), ("to", edge[2])
        a = next(c for c in range(6) if u + (c,) not in at)
        b = next(c for c in range(6) if v + (c,) not in at)
        path, end, c = [], v, a
        while end + (c,) in at:
            path.append((at[end + (c,)], c))
            other = path[-1][0]
            end = ("from", other[0]) if end[0] == "to" else ("to", other[2])
            c = a + b - c
        for other, c in path:
            del at["from", other[0], c], at["to", other[2], c]
        for other, c in path:
            at["from", other[0], a + b - c] = at["to", other[2], a + b - c] = other
        at[u + (a,)] = at[v + (a,)] = edge
    return {edge: c for (side, _, c), edge in at.items() if side == "to"}


def rows(values, a_row):
    return ",\n".join("\t" + ", ".join(str(v) for v in values[i : i + a_row]) for i in range(0, len(values), a_row))


def main():
    place = colour(edges())
    input_at = {(box, c): p for (_, _, box, p), c in place.items()}
    tables, boxes = [], sboxes()
    for box in range(8):
        row = []
        for index in range(64):
            six = [0] * 6
            for c in range(6):
                six[input_at[box, c]] = index >> c & 1
            value = boxes[box][2 * six[0] + six[5]][8 * six[1] + 4 * six[2] + 2 * six[3] + six[4]]
            row.append(sum((value >> (3 - bit) & 1) << c for (of, bit, _, _), c in place.items() if of == box))
        tables.append("\t{" + rows(row, 16).lstrip() + "}")
    of = {(box, c): edge[0] for edge, c in place.items() for box in [edge[2]]}
    first = [[IP[half * 32 + E[box][input_at[box, c]]] for box in range(8) for c in range(6)] for half in (0, 1)]
    last = [None] * 64
    for half in (0, 1):
        for box in range(8):
            for c in range(6):
                if 1 <= input_at[box, c] <= 4:
                    last[IP[half * 32 + E[box][input_at[box, c]]]] = half * 48 + box * 6 + c
    print("/* SPDX-License-Identifier: BSD-3-Clause */")
    print("/* Made by crypto/esp_des_tables.py, which says what this is. */")
    print("/* clang-format off */")
    print("static const uint8_t sboxes[8][64] __attribute__((aligned(64))) = {\n" + ",\n".join(tables) + "};")
    print("/* For each S-box and position: the S-box of the round before that it comes from. */")
    print("static const uint8_t comes_from[48] = {\n" + rows([of[b, c] for b in range(8) for c in range(6)], 24) + "};")
    print("/* ... which of the six inputs of FIPS 46-3 it is. */")
    print("static const uint8_t input_at[48] = {\n" + rows([input_at[b, c] for b in range(8) for c in range(6)], 24) + "};")
    print("/* ... at first, the bit of the block, left half and right half. */")
    print("static const uint8_t first_bit[2][48] = {\n\t{" + "},\n\t{".join(rows(half, 24).lstrip() for half in first) + "}};")
    print("/* Each bit of the result: half, S-box and position. */")
    print("static const uint8_t last_bit[64] = {\n" + rows(last, 16) + "};")


if __name__ == "__main__":
    main()
