"""What the lint commands that read a tree have in common."""

import pathlib


def run(check_tree, args):
    """Print the lines that check_tree() finds in the tree args[0], by default this one. Returns the exit status."""
    root = pathlib.Path(args[0]) if args else pathlib.Path(__file__).resolve().parents[2]
    lines = check_tree(root)
    print("\n".join(lines), end="\n" if lines else "")
    return 1 if lines else 0
