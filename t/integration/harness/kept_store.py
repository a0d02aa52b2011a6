"""Reads the JSON file of a database's rows together with its journal, in a way of its own."""

import json


def _crc32c(octets):
    value = 0xFFFFFFFF
    for octet in octets:
        value ^= octet
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF


def _changes(octets, checksum):
    """The lines of the journal of the file with that checksum: [(words before the JSON, JSON)], up to the last state."""
    lines, chain, whole = [], b"00000000", 0
    for number, line in enumerate(octets.split(b"\n")[:-1]):
        if f"{_crc32c(chain + line[8:]):08x}".encode() != line[:8]:
            break
        chain, text = line[:8], line[9:].decode()
        if number == 0:
            if text != f"postern-journal-1 {checksum}":
                return []
            continue
        what, row = text.split(" ", 1)
        lines.append((what, json.loads(row)))
        if what == "state":
            whole = len(lines)
    return lines[:whole]


def read_kept(path):
    """The file's object with the changes of its journal."""
    while True:
        text = path.read_bytes()
        store = json.loads(text)
        try:
            journal = path.with_name(path.name + ".journal").read_bytes()
        except FileNotFoundError:
            journal = b""
        if path.read_bytes() == text:  # or else the journal may be that of another one
            break
    tables = {"profiles": {row["id"]: row for row in store["profiles"]},
              "users": {row["username"].lower(): row for row in store["users"]}}
    for what, row in _changes(journal, store["checksum"]):
        if what == "state":
            store.update(row)
            continue
        table = what.lstrip("-")
        key = row["id"] if table == "profiles" else row["username"].lower()
        tables[table].pop(key, None)
        if not what.startswith("-"):
            tables[table][key] = row
    return {**store, **{table: list(rows.values()) for table, rows in tables.items()}}
