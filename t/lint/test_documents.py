"""What the documents show is run by a test, what they link to exists, and every man page is named in the README."""

import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "t/walk"))

import blocks  # noqa: E402
import documents  # noqa: E402

WALKED = (documents.README, *documents.PAGES, *documents.MANUAL)
BLOCKS = [block for path in WALKED for block in blocks.blocks_of(path)]
LINKING = [documents.README, *sorted((ROOT / "docs").glob("*.md")), ROOT / "CONTRIBUTING.md"]


def test_every_block_has_a_kind_that_a_test_claims():
    assert not [block.place for block in BLOCKS if block.kind not in blocks.KINDS]


def test_what_another_test_claims_is_read_by_it():
    for kind, meaning in blocks.KINDS.items():
        if test := re.search(r"t/\S+\.py", meaning):
            text = (ROOT / test[0]).read_text(encoding="utf-8")
            for page in {block.file for block in BLOCKS if block.kind == kind}:
                assert f"docs/{page}" in text, f"{test[0]} does not read the blocks of {page}"


def test_the_lines_of_sendmail_mc_are_those_of_the_example_that_is_tested():
    example = (ROOT / "etc/postern.m4").read_text(encoding="utf-8")
    known = {line.removeprefix("dnl ") for line in example.splitlines()}
    shown = [line for block in BLOCKS if block.kind == "m4" and not block.text.startswith(("dnl sendmail.mc", "dnl bounds"))
             for line in block.text.splitlines()]
    shown += [line for line in (ROOT / "milter/postern.8").read_text(encoding="utf-8").splitlines() if "INPUT_MAIL_FILTER" in line]
    assert len(shown) > 2 and not set(shown) - known


def test_no_command_hides_in_a_block_that_is_not_run():
    programs = r"\s*(\$ |# )?(sudo |runuser )?(postern|posternctl|postconf|postfix|psql|service|systemctl|make|apt-get|swaks)\s"
    assert not [block.place for block in BLOCKS if block.kind == "" and re.search(programs, block.text)
                and re.match(programs, block.text)]


def test_output_follows_commands():
    for block, before in zip(BLOCKS[1:], BLOCKS):
        assert block.kind != "text" or (before.kind, before.file) == ("sh", block.file), block.place


def test_every_exception_concerns_a_block():
    lines = {block.first_line for block in BLOCKS}
    assert not set(blocks.NOT_RUN) - lines
    assert not set(blocks.PREPARED) - lines
    assert not blocks.NOT_IN_FORCE - {line for block in BLOCKS if block.kind == "ini" for line in block.text.splitlines()}


def test_the_developers_documents_exist():
    assert not [name for name in documents.DEVELOPERS if not (ROOT / "docs" / name).exists()]


def anchors(path):
    """The anchors that GitHub makes of a document's headings."""
    headings = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", LINKING, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)):
        if target.startswith("http"):
            continue
        name, _, anchor = target.partition("#")
        file = (path.parent / name) if name else path
        assert file.exists(), f"{path.name}: {target}"
        assert not anchor or anchor in anchors(file), f"{path.name}: {target}"


def test_the_settings_that_pages_name_exist():
    page = (ROOT / "lib/conf/postern.conf.5").read_text(encoding="utf-8")
    keys = {}
    for section, text in re.findall(r"^\.Ss \[(\w+)\][^\n]*\n(.*?)(?=^\.S[sh] )", page, re.M | re.S):
        keys[section] = set(re.findall(r"^\.It Cm (\w+)$", text, re.M))
    named = [(path.name, *pair) for path in (documents.README, *documents.PAGES) for pair in re.findall(r"`\[(\w+)\] (\w+)", path.read_text(encoding="utf-8"))]
    assert len(named) > 20
    assert not [(name, section, key) for name, section, key in named if key not in keys[section]]


def test_every_page_and_manual_page_is_in_the_index():
    index = (ROOT / "docs/README.md").read_text(encoding="utf-8")
    assert not [path.name for path in (ROOT / "docs").glob("*.md") if path.name != "README.md" and f"({path.name})" not in index]
    for path in documents.MANUAL:
        assert f"{path.stem}({path.suffix[1:]})" in index
        assert f"{path.stem}({path.suffix[1:]})" in documents.README.read_text(encoding="utf-8")


def test_quotes_of_manual_pages_do_not_nest():
    """In mdoc(7), Ql and its kind quote the rest of their line: a second one on it is printed within the first."""
    nested = re.compile(r"^\.(?:\S+ )*?(Ql|Dq|Sq|Qq) .*\b(Ql|Dq|Sq|Qq) ")
    assert not [f"{path.name}:{number}" for path in documents.MANUAL
                for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1) if nested.search(line)]


def test_the_readme_covers_the_first_hour_only():
    assert len(documents.README.read_text(encoding="utf-8").splitlines()) < 320
