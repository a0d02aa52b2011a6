"""Kinds of action: list files, replaced in every editor's manner."""

import mmap
import os
import shutil
import time

from .kinds import action
from .truth import LISTED


@action(3)
def list_renamed(h):
    source = h.some_source()
    for _ in range(h.rng.randint(1, 3)):
        h.write_list(source, h.some_entries(source))


@action(2)
def list_truncated(h):
    """An editor or a shell that empties the file and writes it."""
    source = h.some_source()
    text = h.some_entries(source)

    def write(path):
        with open(path, "w", encoding="utf-8") as file:
            half = len(text) // 2
            for part in (text[:half], text[half:]):
                h.busy(h.rng.choice([0, 0.05, 0.4]))
                file.write(part)
                file.flush()
    h.change_list(source, write, f"{source}: truncated and written in two parts")


@action(2)
def list_with_backup(h):
    """vim: the old file becomes a backup, and a new file is written in its place."""
    source = h.some_source()
    text = h.some_entries(source)

    def write(path):
        backup = path.with_name(path.name + "~")
        path.rename(backup)
        h.busy(h.rng.choice([0, 0.1]))
        path.write_text(text, encoding="utf-8")
        backup.unlink()
    h.change_list(source, write, f"{source}: written beside a backup")


@action(1)
def list_linked(h):
    """A symbolic link that is turned to another file, as configuration managers do."""
    source = h.some_source()
    path = h.path(source)
    target = path.with_name(f".{path.name}.{len(h.lines)}")
    target.write_text(h.some_entries(source), encoding="utf-8")

    def turn(path):
        link = path.with_name("." + path.name + ".link")
        link.symlink_to(target.name)
        link.rename(path)
    h.change_list(source, turn, f"{source}: a link to another file")
    h.quiet()
    h.write_list(source, h.some_entries(source))
    target.unlink()


@action(1)
def list_touched(h):
    source = h.some_source()
    h.change_list(source, lambda path: path.touch(), f"{source}: touched")


@action(1)
def list_removed(h):
    source = h.some_source()
    h.change_list(source, lambda path: path.unlink(), f"{source}: removed")
    h.quiet(problem="problem")
    h.write_list(source, h.some_entries(source))


@action(2)
def list_generated(h):
    """A program that opens the file for writing, and writes only after a while."""
    source = h.some_source()
    text = h.some_entries(source)

    def write(path):
        with open(path, "w", encoding="utf-8") as file:
            h.busy(h.rng.choice([1.0, 3.0, 11.5]))
            file.write(text)
    h.change_list(source, write, f"{source}: generated into place")


@action(1)
def list_emptied(h):
    """A long list that becomes a file without a byte is held back until it has text or a reload confirms it."""
    source = h.some_source()
    h.quiet()
    h.change_list(source, lambda path: path.write_text(""), f"{source}: emptied")
    h.quiet(problem="list", followed=False)
    if h.rng.random() < 0.5:
        for daemon in h.daemons.values():
            daemon.postern.ctl("reload", check=False)
        h.note("reload of all daemons")
        h.quiet()
    h.write_list(source, h.some_entries(source))


@action(2)
def list_appended(h):
    """A program that keeps a list open and appends to it."""
    source = h.some_source()
    with open(h.path(source), "a", encoding="utf-8") as file:
        for entry in h.rng.sample(LISTED[source], 3):
            def append(_path, text=entry):
                file.write(text + "\n")
                file.flush()
            h.change_list(source, append, f"{source}: {entry} is appended, and the file stays open")
            if h.rng.random() < 0.6:
                h.quiet()


@action(2)
def list_in_place(h):
    """Written over without a new file, with the same size and, at times, with the old time of modification."""
    source = h.some_source()
    old = h.path(source).read_text(encoding="utf-8")
    entries = h.rng.sample(LISTED[source], 2)
    here = [entry for entry in LISTED[source] if entry + "\n" in old]
    text = old.replace(h.rng.choice(here) + "\n", entries[0] + "\n", 1) if here else old + entries[0] + "\n"

    def write(path):
        before = path.stat()
        with open(path, "r+", encoding="utf-8") as file:
            file.write(text)
        if h.rng.random() < 0.5:
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    h.change_list(source, write, f"{source}: written over in place")


@action(1)
def list_mapped(h):
    """Written through a mapping of the file, which causes no event but that of the closed descriptor."""
    source = h.some_source()
    text = h.path(source).read_bytes()
    here = [entry for entry in LISTED[source] if entry.encode() + b"\n" in text]
    h.require(here or not text, "harness", source, "the list is empty")

    def write(path):
        with open(path, "r+b") as file, mmap.mmap(file.fileno(), 0) as view:
            at = text.index(h.rng.choice(here).encode())
            view[at:at + 1] = b"x"
    if here:
        h.change_list(source, write, f"{source}: written through a mapping")


@action(2)
def list_copied_over(h):
    """cp -p and rsync --times: another file with the time of modification of the old one."""
    source = h.some_source()
    text = h.some_entries(source)

    def write(path):
        before = path.stat()
        beside = path.with_name("." + path.name + ".copy")
        beside.write_text(text, encoding="utf-8")
        os.utime(beside, ns=(before.st_atime_ns, before.st_mtime_ns))
        beside.rename(path)
    h.change_list(source, write, f"{source}: replaced by a file with the same time")


@action(1)
def list_hard_linked(h):
    """ln -f: the list gets a second name, which is written."""
    source = h.some_source()
    other = h.path(source).with_name(f".{source}.other")
    other.write_text(h.some_entries(source), encoding="utf-8")

    def link(path):
        beside = path.with_name("." + path.name + ".link")
        os.link(other, beside)
        beside.rename(path)
    h.change_list(source, link, f"{source}: a second name of another file")
    h.quiet()
    text = h.some_entries(source)
    h.change_list(source, lambda path: other.write_text(text, encoding="utf-8"), f"{source}: written by its other name")
    h.quiet()
    h.write_list(source, h.some_entries(source))
    other.unlink()


@action(2)
def list_linked_elsewhere(h):
    """A link to a file in another directory, which is written and replaced there; then the directory is replaced."""
    source = h.some_source()
    elsewhere = h.site.box.folder / f"elsewhere-{source}"
    (elsewhere / "1").mkdir(parents=True)
    (elsewhere / "2").mkdir()
    for folder in (elsewhere, elsewhere / "1", elsewhere / "2"):
        folder.chmod(0o755)
    (elsewhere / "now").symlink_to("1")
    target = elsewhere / "now" / "list"
    target.write_text(h.some_entries(source), encoding="utf-8")

    def link(path):
        beside = path.with_name("." + path.name + ".link")
        beside.symlink_to(target)
        beside.rename(path)

    def replace(_path):
        beside = target.with_name("list.new")
        beside.write_text(h.some_entries(source), encoding="utf-8")
        beside.rename(target)

    def turn(_path):
        beside = elsewhere / "now.new"
        beside.symlink_to("2")
        beside.rename(elsewhere / "now")
    h.change_list(source, link, f"{source}: a link to another directory")
    h.quiet()
    h.change_list(source, lambda _: target.write_text(h.some_entries(source), encoding="utf-8"),
                  f"{source}: the file there is written in place")
    h.quiet()
    h.change_list(source, replace, f"{source}: the file there is replaced")
    h.quiet()
    (elsewhere / "2" / "list").write_text(h.some_entries(source), encoding="utf-8")
    h.change_list(source, turn, f"{source}: the directory there is replaced")
    h.quiet()
    h.write_list(source, h.some_entries(source))
    shutil.rmtree(elsewhere)


@action(1)
def list_unreadable(h):
    """The old entries stay in force, also when the file has others meanwhile."""
    source = h.some_source()
    h.quiet()
    h.change_list(source, lambda path: path.chmod(0), f"{source}: without rights")
    h.quiet(problem="read|denied")
    text = h.some_entries(source)

    def give(path):
        path.write_text(text, encoding="utf-8")
        path.chmod(0o644)
    h.change_list(source, give, f"{source}: written, and readable again")


@action(1)
def list_of_comments(h):
    """A file that holds comments and no entry is taken."""
    source = h.some_source()
    h.change_list(source, lambda path: path.write_text("# nobody\n# at all\n", encoding="utf-8"), f"{source}: comments")
    h.quiet()
    h.write_list(source, h.some_entries(source))


@action(2)
def list_shortened(h):
    """A long list loses most of its entries while its writer has it open."""
    source = h.some_source()
    text = h.some_entries(source)

    def write(path):
        with open(path, "r+", encoding="utf-8") as file:
            file.truncate(h.rng.choice([0, 25, 60]))
            file.seek(0)
            h.busy(h.rng.choice([0.3, 1.5]))
            file.write(text)
    h.change_list(source, write, f"{source}: shortened, and written at last")


@action(1)
def lists_replaced(h):
    """The directory is replaced as a whole, by two renames, between which there are no lists."""
    folder = h.site.lists
    new, old = folder.with_name("lists.new"), folder.with_name("lists.old")
    shutil.copytree(folder, new, symlinks=True)
    text = {source: h.some_entries(source) for source in ("senders", "recipients")}
    for source, entries in text.items():
        (new / h.path(source).name).write_text(entries, encoding="utf-8")
    new.chmod(0o755)
    h.note("the directory of the lists is replaced")
    since = time.time()
    folder.rename(old)
    new.rename(folder)
    for source in text:
        h.judge.lists[source].move(frozenset(), since, time.time())
        h.look_at_list(source, since)
    shutil.rmtree(old)
    h.quiet()
    h.write_list("senders", h.some_entries("senders"))
