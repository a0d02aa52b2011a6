"""Regexes are matched as JavaScript matches them (caseless, without the flag u): compared with Node.

Postern is asked through regex_dump, Node through regex_answers.js.
"""

import json
import os
import pathlib
import random
import shutil
import subprocess

import pytest

HERE = pathlib.Path(__file__).resolve().parent
DUMP = pathlib.Path(os.environ.get("POSTERN_BUILD", "build")) / "t/integration/regex_dump"
NODE = shutil.which("node") or shutil.which("nodejs")

needs_node = pytest.mark.skipif(NODE is None, reason="Node (nodejs) is not installed")

# Characters that fold in an odd way, separate lines, or are white space, beside plain ones.
CHARS = list("aAkKsSiIzZ019_-.@: \t\n\r\v\f\\^$*+?()[]{}|/,=!<>") + list(
    "\u0000\u0001\u0011\u001f\u007f\u0085\u00a0\u00b5\u00df\u00e9\u00c9\u00ff\u0130\u0131\u0149\u017f\u01c4\u01c5\u01c6"
    "\u0178\u0345\u0390\u0398\u03b8\u03d1\u03f4\u0399\u03b9\u03bc\u03c2\u03c3\u03a3\u0410\u0430\u10a0\u10d0\u13a0\u1c80"
    "\uab70\u1e9b\u1e60\u1e61\u1e9e\u1fb3\u1fbc\u1fbe\u1680\u180e\u2000\u200a\u200b\u2028\u2029\u202f\u205f\u2126\u03c9"
    "\u212a\u212b\u00e5\u2c2f\u2c5f\u3000\ua64a\u1c88\ufeff\uffff\ufffd\ufb05\ufb06\u4e2d\ue000\ud7ff")
ESCAPES = [r"\d", r"\D", r"\w", r"\W", r"\s", r"\S", r"\b", r"\B", r"\v", r"\f", r"\n", r"\r", r"\t", r"\0", r"\1", r"\2",
           r"\7", r"\8", r"\9", r"\10", r"\18", r"\101", r"\377", r"\400", r"\c", r"\cJ", r"\cj", r"\c1", r"\c_", r"\c*",
           r"\x41", r"\x4", r"\x", r"\xdf", r"\u0041", r"\u004", r"\u", r"\u017f", r"\u212A", r"\u00e5", r"\u{2}", r"\k",
           r"\a", r"\e", r"\Z", r"\p", r"\-", r"\/", r"\.", r"\ud800"]
RAW = [c for c in CHARS if c not in "\\^$.*+?()[]{}|/"]


def character(rng):
    c = rng.choice(CHARS)
    if c in "\\^$.*+?()[]{}|/-":
        return "\\" + c
    way = rng.random()
    if way < 0.7:
        return c
    return f"\\u{ord(c):04x}" if way < 0.9 or ord(c) > 255 else f"\\x{ord(c):02x}"


def member(rng):
    return rng.choice(ESCAPES) if rng.random() < 0.25 else character(rng)


def character_class(rng):
    members = []
    for _ in range(rng.randrange(4)):
        if rng.random() < 0.4:
            low, high = sorted([rng.choice(RAW), rng.choice(RAW)])
            members.append(f"\\u{ord(low):04x}-\\u{ord(high):04x}" if rng.random() < 0.8 else f"{member(rng)}-{member(rng)}")
        else:
            members.append(rng.choice([member(rng), member(rng), "-", "[", ".", "(", "^", "$", ":", "{"]))
    return "[" + rng.choice(["", "", "^"]) + "".join(members) + "]"


def atom(rng, depth, groups):
    way = rng.random()
    if way < 0.4:
        return character(rng)
    if way < 0.6:
        return character_class(rng)
    if way < 0.75:
        return rng.choice(ESCAPES)
    if way < 0.83:
        return rng.choice([".", ".", "]", "}", "{", "{,3}", "{x}", "{1", "^", "$"])
    if depth > 1:
        return "a"
    inner = pattern(rng, depth + 1, groups)
    opening = rng.choice(["(", "(", "(?:", "(?=", "(?!"] + (["(?<n>", "(?<$x>", "(?<\\u0061>"] if rng.random() < 0.3 else []))
    groups.append(opening)
    return opening + inner + ")"


def pattern(rng, depth=0, groups=None):
    groups = [] if groups is None else groups
    parts = []
    for _ in range(1 + rng.randrange(4)):
        part = atom(rng, depth, groups)
        # A group is not repeated: what a back reference then sees is another matter than the dialect's characters.
        if not part.startswith("(") or part.startswith(("(?:", "(?=", "(?!")):
            if "(" not in part[1:] or part.startswith(("(?=", "(?!")):
                part += rng.choice(["", "", "", "", "*", "+", "?", "{2}", "{1,2}", "{0,}", "*?", "+?", "??"])
        parts.append(part)
        if rng.random() < 0.1:
            parts.append("|")
        if depth == 0 and groups and rng.random() < 0.3:
            parts.append(rng.choice([r"\1", r"\2", r"\k<n>", r"\k<$x>", r"\k<a>"]) + rng.choice(["", "", "+", "{2}", "{1,3}?"]))
    return "".join(parts)


def subjects_for(regex, rng):
    """Ten subjects made of characters that the regex contains, their other cases, and others."""
    seen = [c for c in regex if c not in "()[]{}|*+?^$\\"] or ["a"]
    near = seen + [x for c in seen for x in (c.upper(), c.lower()) if len(x) == 1]
    return ["".join(rng.choice(near if rng.random() < 0.7 else CHARS) for _ in range(rng.choice([0, 1, 1, 2, 2, 3, 4, 5])))
            for _ in range(10)]


def by_node(asked):
    run = subprocess.run([NODE, HERE / "regex_answers.js"], input=json.dumps(asked).encode(), stdout=subprocess.PIPE,
                         check=True)
    return json.loads(run.stdout)


def by_postern(asked):
    blobs = []
    for regex, subjects, *_ in asked:
        raw = regex.encode("utf-8", "surrogatepass")
        blobs.append(b"%d\n%s%d\n" % (len(raw), raw, len(subjects)))
        for subject in subjects:
            raw = subject.encode("utf-8", "surrogatepass")
            blobs.append(b"%d\n%s" % (len(raw), raw))
    run = subprocess.run([DUMP], input=b"".join(blobs), stdout=subprocess.PIPE, check=True)
    return [None if line == "refused" else line for line in run.stdout.decode().splitlines()]


@needs_node
def test_100000_random_pairs_match_alike():
    rng = random.Random(8)
    asked = []
    while len(asked) < 12000:
        regex = pattern(rng)
        asked.append([regex, subjects_for(regex, rng), "i"])
    compared = matched = 0
    wrong = []
    for (regex, subjects, _), theirs, ours in zip(asked, by_node(asked), by_postern(asked)):
        if theirs is None:
            continue
        if ours is None:
            wrong.append(f"refused: {regex!r}")
            continue
        for subject, their, our in zip(subjects, theirs, ours):
            compared += 1
            matched += their == "y"
            if our != their:
                wrong.append(f"/{regex!r}/ on {subject!r}: {our}, but Node: {their}")
    print(f"{compared} pairs, {matched} of them match")
    assert not wrong, "\n".join(wrong[:20])
    assert compared >= 100000 and matched > compared / 20


@needs_node
def test_what_javascript_refuses_is_refused():
    """And nothing else, but for lookbehinds: PCRE2 allows fewer of them."""
    rng = random.Random(9)
    pieces = ["a", "[b]", ".", "(", ")", "(?:", "(?=", "(?!", "(?<=", "(?<!", "*", "+", "?", "{2}", "{1,2}", "{,3}", "{", "}",
              "]", "|", "^", "$", "\\b", "\\d", "a)", "(a)", "a+", "a??", "(?<=a)", "(?=a)",
              "(?<n>a)", "\\k", "\\k<n>", "[\\k]", "[ -\\c0]", "[\\e-\\-]", "[\\-\\E]", "[!-\\8]", "[\\x-\\100]", "[\\b-a]"]
    asked = [["".join(rng.choice(pieces) for _ in range(1 + rng.randrange(6))), [], "i"] for _ in range(20000)]
    wrong = [f"{regex!r}: {'accepted' if theirs is None else 'refused'}"
             for (regex, *_), theirs, ours in zip(asked, by_node(asked), by_postern(asked))
             if (theirs is None) != (ours is None) and (theirs is None or "(?<" not in regex)]
    assert not wrong, f"{len(wrong)}: " + "\n".join(wrong[:20])


@needs_node
def test_every_character_has_the_case_of_javascript():
    """Each character up to U+FFFF against each one that any Unicode mapping relates to it."""
    folded = by_node("fold")
    classes = {}
    for code, to in enumerate(folded):
        if not 0xd800 <= code <= 0xdfff:
            classes.setdefault(to, []).append(code)
    asked = []
    for code in range(0x10000):
        char = chr(code)
        near = {x for c in (char, char.upper(), char.lower(), char.casefold()) if len(c) == 1
                for x in (c, c.upper(), c.lower()) if len(x) == 1} | {chr(c) for c in classes.get(folded[code], [])}
        if len(near) > 1 and not 0xd800 <= code <= 0xdfff:
            near = sorted(x for x in near if ord(x) < 0x10000)
            asked.append([f"\\u{code:04x}", near, "i"])
            asked.append([f"[^\\u{code:04x}]", near, "i"])
    assert len(asked) > 4000
    for (regex, subjects, _), theirs, ours in zip(asked, by_node(asked), by_postern(asked)):
        assert ours == theirs, (regex, subjects, ours, theirs)


# Past U+FFFF: (regex, subject, whether it matches). This is what JavaScript does with the flag u, apart from case:
# without that flag, such characters have none.
PAST = [
    (".", "\U0001F600", True), ("..", "\U0001F600", False), (".", "\U0010FFFF", True), (".*", "a\U0001F600b", True),
    (r"\uD83D\uDE00", "\U0001F600", True), (r"\ud83d\ude00", "\U0001F600", True), (r"\uD83D\uDE00", "\U0001F601", False),
    (r"\uD83D", "\U0001F600", False), (r"\uDE00", "\U0001F600", False), (r"\uD83D.", "\U0001F600", False),
    (r"[\uD83D\uDE00]", "\U0001F600", True), (r"[\uD83D\uDE00]", "\U0001F601", False), (r"[^\uD83D\uDE00]", "\U0001F601", True),
    (r"[^\uD83D\uDE00]", "\U0001F600", False), (r"[\uD83D\uDE00-\uD83D\uDE0F]", "\U0001F605", True),
    (r"[\uD83D\uDE00-\uD83D\uDE0F]", "\U0001F610", False), (r"[\uD800-\uDFFF]", "\U0001F600", False),
    (r"[^\uD800-\uDFFF]", "\U0001F600", True), (r"[\u0080-\uffff]", "\U0001F600", False),
    (r"[^\x00-\x7f]", "\U0001F600", True), (r"[^\u0080-\uffff]", "\U0001F600", True), (r"[^a]", "\U0001F600", True),
    ("\U0001F600", "\U0001F600", True), ("\U0001F600+", "\U0001F600\U0001F600", True), ("\U0001F600{2}", "\U0001F600", False),
    ("[\U0001F600]", "\U0001F600", True), ("[\U0001F600a]+", "a\U0001F600A", True), ("[a-\U0001F600]", "\u4e2d", True),
    ("[a-\U0001F600]", "\U0001F601", False), (r"\W", "\U0001F600", True), (r"\D", "\U0001F600", True), (r"\S", "\U0001F600", True),
    (r"\w", "\U0001F600", False), (r"\s", "\U0001F600", False), (r"[\s\S]", "\U0001F600", True), (r"[\W]", "\U0001F600", True),
    (r"[\D]", "\U0001F600", True), (r"[^\w]", "\U0001F600", True), (r"[^\W]", "\U0001F600", False), (r"[^\s\S]", "\U0001F600", False),
    ("[^]", "\U0001F600", True), ("(.)\\1", "\U0001F600\U0001F600", True), (r"a\b.", "a\U0001F600", True),
    ("\U00010400", "\U00010400", True), ("\U00010400", "\U00010428", False), ("[\U00010400]", "\U00010428", False),
    (".*@(?:a|\U0001F600)\\.example", "x@\U0001F600.example", True), (".*[^\\x00-\\x7f].*", "x@\U0001F600.example", True),
]


@pytest.mark.parametrize("regex, subject, want", PAST)
def test_characters_past_ffff_count_as_one(regex, subject, want):
    assert by_postern([[regex, [subject]]]) == ["y" if want else "n"]
