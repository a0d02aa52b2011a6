#ifndef POSTERN_LEDGER_FILE_H
#define POSTERN_LEDGER_FILE_H

#include <stdint.h>

#include "lib/base/errmsg.h"
#include "lib/base/problems.h"
#include "lib/rules/ledger.h"

/*
 * What keeps the ledger over the end of the process, and gives it its time.
 *
 * PATH is a snapshot of all keys, PATH.prev the one before it, PATH.1, PATH.2 ... are journals:
 * each charge is written to the last one before it is answered, so that no kill -9 loses it, and is
 * forced to the disk about once a second. From time to time a new journal and a new snapshot are
 * begun, and old ones go. What is torn or damaged is left out, frame by frame; a snapshot that
 * isn't whole is moved to PATH.bad, and PATH.prev and its journals are taken. PATH.lock is locked
 * for as long as they are open: two daemons would each count the half.
 *
 * The ledger's time runs with the time since the machine started, so that no change of the wall
 * clock reaches it; from one start of the machine to the next it goes on by the wall clock, and
 * never back.
 */
struct ledger_file;

/* What the clocks show, in microseconds. A plain value. */
struct ledger_clocks {
	uint64_t boottime; /* since the machine started, sleep included */
	int64_t wall;	   /* since 1970 */
	char boot_id[40];  /* names this start of the machine */
};

void ledger_clocks_read(struct ledger_clocks *clocks_r);

/*
 * Fill the ledger, which is empty, from the files, begin a journal and have the ledger's charges
 * written. clocks: NULL is those of the machine. path "": only the time is given. problems gets
 * what was left out. 0, or -1 with err set; where another process has them open, after a short wait
 * for its end. The ledger must outlive it.
 */
int ledger_file_open(const char *path, struct ledger *ledger, const struct ledger_clocks *clocks,
	struct ledger_file **file_r, struct problems *problems, struct errmsg *err);

/* Begin to force to the disk, to make snapshots and to sweep the ledger, in a thread. 0, or -1 with
 * err set. */
int ledger_file_start(struct ledger_file *file, struct errmsg *err);

/* Force to the disk now what was charged. */
void ledger_file_sync(struct ledger_file *file);

/* End the thread, and force all to the disk. Nothing is charged any more. Takes NULL; sets the
 * pointer to NULL. */
void ledger_file_close(struct ledger_file **file);

/* The ledger's time. Any thread. */
uint64_t ledger_file_now(const struct ledger_file *file);

/* Make a snapshot now; else the thread does. 0, or -1 with err set: the old ones stay. */
int ledger_file_snapshot(struct ledger_file *file, struct errmsg *err);

/* Why charges can't be written, or ""; charges written. Any thread. */
void ledger_file_error(struct ledger_file *file, struct errmsg *err_r);

#endif
