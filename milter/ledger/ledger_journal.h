#ifndef POSTERN_LEDGER_JOURNAL_H
#define POSTERN_LEDGER_JOURNAL_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/errmsg.h"
#include "lib/rules/ledger.h"
#include "milter/ledger/journal_queue.h"
#include "milter/ledger/ledger_time.h"

/*
 * The journals PATH.1, PATH.2 ...: each record is written to the newest one before its charge is
 * answered. Each start and each checkpoint begins a new journal. The fields belong to
 * ledger_journal.c.
 */
struct ledger_journal {
	const char *path;		/* of the checkpoint; borrowed */
	const struct ledger_time *time; /* borrowed */

	struct journal_queue queue; /* its lock guards the fields up to the empty line */
	int fd;			    /* -1 before the first journal; constant during a write */
	bool is_remote;		    /* its file system is not known to be one of this machine */
	uint64_t size;		    /* bytes that were written completely */
	bool is_dirty;		    /* something was written since the last sync */
	uint64_t number;       /* of the newest journal; changed by ledger_journal_begin() alone */
	uint64_t marked;       /* the ledger's time when a moment was last written */
	struct errmsg error;   /* of the last write; "" when it succeeded */
	int sync_error;	       /* errno of the last sync; 0 when it succeeded */
	bool is_behind;	       /* a record could not be written; see ledger_journal_was_behind() */
	bool is_optional;      /* until the first journal is begun, charges need not be saved */
	int64_t syncing_since; /* by clock_ms(); 0: the file is not being forced to disk */

	pthread_mutex_t sync_lock; /* held while the file is synced, so that it is not closed */
};

/* path and time are borrowed and must outlive the journal. */
void ledger_journal_init(struct ledger_journal *journal, const char *path,
	const struct ledger_time *time);

/* Start the thread that writes records while the disk is in doubt. Returns 0, or an errno. */
int ledger_journal_start(struct ledger_journal *journal);

/* Write what is queued, sync and close the journal, end the thread, and free the memory. */
void ledger_journal_free(struct ledger_journal *journal);

/* Begin the journal after this number, or after all that exist if somebody has put a file there;
 * all later records go there. Not in two threads at once. Returns 0, or -1 with err set and the old
 * journal still in use, if there is one. */
int ledger_journal_begin(struct ledger_journal *journal, uint64_t after, struct errmsg *err);

/*
 * State why the first journal, which is the one after this number, cannot be begun. Until it is,
 * no record can be saved, and ledger_journal_error() returns the reason. Logs it if it is new.
 * Charges are then refused, unless they need not be saved.
 */
void ledger_journal_delay(struct ledger_journal *journal, uint64_t after, const struct errmsg *why);

/* Let charges succeed without being saved while there is no journal. Before other threads charge.
 */
void ledger_journal_make_optional(struct ledger_journal *journal);

/* Return whether a journal was begun. Any thread. */
bool ledger_journal_is_begun(struct ledger_journal *journal);

/*
 * A ledger_save_fn whose context is the journal: queues the records. While the last write has
 * failed, it waits for the new one, and refuses the records if that fails, too. While a write does
 * not end, it refuses them at once: a disk may hang for ever. Like ledger_journal_sync(), it logs
 * the error of a write if there was none before.
 */
int ledger_journal_save(void *context, const struct ledger_record *records, size_t count);

/*
 * A ledger_settle_fn: waits for at most JOURNAL_PATIENCE_MS. A thread that may hang writes the
 * records itself, unless the disk is in doubt: its file system is on another machine or in a
 * process, no write has succeeded within JOURNAL_PROOF_MS, the last one has failed, or the
 * file is just being forced to disk, and not at once.
 */
int ledger_journal_settle(void *context, bool may_hang);

/* Set *err_r to the write that does not end; "": there is none. Any thread. */
void ledger_journal_late(struct ledger_journal *journal, struct errmsg *err_r);

/*
 * Return whether a record could not be written since the last call: the files may lack a change
 * that the memory contains, until the next checkpoint. Any thread.
 */
bool ledger_journal_was_behind(struct ledger_journal *journal);

/*
 * Return whether the next start could not read all of the newest journal: its file was removed,
 * replaced or cut, or the daemon's user may not read it. Only on the thread that begins journals.
 */
bool ledger_journal_is_lost(struct ledger_journal *journal);

/* Write what is queued, and force it to disk, however long that takes. Logs an error. Any thread.
 */
void ledger_journal_sync(struct ledger_journal *journal);

/* The size of the newest journal in bytes. Any thread. */
uint64_t ledger_journal_size(struct ledger_journal *journal);

/*
 * Set *err_r to the reason why the last record could not be written or forced to disk; "" when it
 * could. Any thread.
 */
void ledger_journal_error(struct ledger_journal *journal, struct errmsg *err_r);

/* Call each() for every journal of path, in no particular order. Returns 0, or -1 with err set. */
int ledger_journal_each(const char *path,
	void (*each)(void *context, uint64_t number, const char *name), void *context,
	struct errmsg *err);

#endif
