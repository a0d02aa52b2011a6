#ifndef POSTERN_LEDGER_FILE_H
#define POSTERN_LEDGER_FILE_H

#include <stdint.h>

#include "lib/base/errmsg.h"
#include "lib/base/problems.h"
#include "lib/rules/ledger.h"
#include "milter/ledger/ledger_time.h"

/*
 * The files that preserve the local ledger when the process ends, and the ledger's time.
 *
 * PATH is a checkpoint with all keys, and PATH.prev is the one before it. PATH.1, PATH.2 ... are
 * journals: each charge is written to the newest one before it is answered, so that no kill -9
 * loses it, and is forced to disk about once a second. If a write takes more than two seconds,
 * charges no longer wait for it: they are not saved until it has ended, as on a full disk. From
 * time to time a new journal and a new checkpoint are written and the old ones removed. A torn or
 * damaged frame is left out. A damaged checkpoint is renamed to PATH.bad, and PATH.prev with its
 * journals is used. PATH.lock is locked while the files are open, because two daemons would each
 * count only their own charges.
 */
struct ledger_file;

/*
 * Fill the ledger, which is empty, from the files, begin a journal, and have the ledger's charges
 * written to it. clocks: NULL for the machine's. An empty path provides only the time. problems
 * gets a line for whatever was left out. Returns 0, or -1 when out of memory. If the files can be
 * read but not written, because the disk is full or the lock or the journal cannot be opened, their
 * counts are in force, ledger_file_error() has the reason, and the ledger's thread tries again
 * every second. If their directory does not exist or cannot be read, charges count in memory, also
 * with that error, and the thread saves all counts as soon as it can be read, unless there are
 * files of another run in it. Another process that has the files locked gets three seconds to end.
 * If it does not, their counts are in force, too, but nothing is saved: only a start reads all that
 * the other one writes. The ledger is borrowed and must outlive the files.
 */
int ledger_file_open(const char *path, struct ledger *ledger, const struct ledger_clocks *clocks,
	struct ledger_file **file_r, struct problems *problems);

/*
 * Start the ledger's thread: it syncs the journal every second, writes checkpoints and frees the
 * ledger's idle keys. All signals are blocked in it. Returns 0, or -1 with err set.
 */
int ledger_file_start(struct ledger_file *file, struct errmsg *err);

/* Force the journal to disk. Any thread. */
void ledger_file_sync(struct ledger_file *file);

/*
 * End the thread, which forces the journal to disk before; further charges are written. Returns 0,
 * or -1 with err set if that takes more than two seconds: the thread then ends with the process.
 */
int ledger_file_end(struct ledger_file *file, struct errmsg *err);

/*
 * End the thread, force everything to disk and close the files, however long that takes; no other
 * thread may charge then or later. Accepts NULL.
 */
void ledger_file_close(struct ledger_file **file);

/* The ledger's time in microseconds. Any thread. */
uint64_t ledger_file_now(const struct ledger_file *file);

/*
 * Write a checkpoint now. Returns 0, or -1 with err set and the old files unchanged. Not while the
 * ledger's thread runs, which writes its own.
 */
int ledger_file_checkpoint(struct ledger_file *file, struct errmsg *err);

/*
 * Set *err_r to the reason why the last charge could not be written or forced to disk; "" when it
 * could. Any thread.
 */
void ledger_file_error(struct ledger_file *file, struct errmsg *err_r);

/*
 * Set *err_r to what the disk does not end: a write of charges for two seconds, or the thread's
 * work for ten; "" if it does. Any thread.
 */
void ledger_file_late(struct ledger_file *file, struct errmsg *err_r);

/* Log what the disk does not end, and when it has ended, once each. The server thread, every
 * second. */
void ledger_file_watch(struct ledger_file *file);

/*
 * Set *err_r to the reason why the thread could not write its last checkpoint; "" when it could.
 * Any thread.
 */
void ledger_file_checkpoint_error(struct ledger_file *file, struct errmsg *err_r);

/*
 * Set *err_r to what became of a file that the daemon could no longer read, or that was in the
 * place of its own; "" while there was none. Any thread.
 */
void ledger_file_put_aside(struct ledger_file *file, struct errmsg *err_r);

#endif
