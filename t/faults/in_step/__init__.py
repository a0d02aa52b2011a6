"""
Random histories of a database, its servers and the list files, after which Postern must be in step.

    t/faults/in_step --seconds 90                 what `make check` runs; the seed is printed
    t/faults/in_step --seed 7 --histories 2000    for a given number
    t/faults/in_step --seed 7 --history 31        this one alone, as a failure prints it
    t/faults/in_step --all                        also the kinds that kinds.AWAITING leaves out
    t/faults/in_step --only truncate_refill       only these kinds

servers.py starts PostgreSQL, two standbys, PgBouncer and one daemon for each set-up, whose files are on a small disk of
its own; proxy.py disturbs connections; change_*.py have the kinds of action, which kinds.py collects; truth.py loads
the tables and lists by itself and computes every answer; compare.py asks the daemons all the time and judges their
answers and what `status` reports.
"""
