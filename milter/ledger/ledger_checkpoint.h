#ifndef POSTERN_LEDGER_CHECKPOINT_H
#define POSTERN_LEDGER_CHECKPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/errmsg.h"
#include "lib/conf/file.h"
#include "lib/rules/ledger.h"
#include "milter/ledger/ledger_journal.h"

/* The file PATH, and which journals it and PATH.prev need. A plain value. */
struct ledger_checkpoint {
	uint64_t first_journal;	   /* the first one with records that PATH may lack */
	uint64_t previous_journal; /* the same for PATH.prev; 0 when there is none */
	uint64_t size;		   /* of PATH in bytes */
	struct file_stamp stamp;   /* of PATH; exists is false until it was read or written whole */
	bool has_journal;	   /* the newest journal was begun for a checkpoint that failed */
	struct errmsg put_aside;   /* tells of the file that became PATH.bad; "": none did */
};

/*
 * Begin a new journal, write all keys of the ledger to PATH, rename the old PATH to PATH.prev, and
 * remove the journals that neither needs. If PATH is lost, what is in its place becomes PATH.bad
 * instead. Other threads may charge meanwhile. Returns 0, or -1 with err set and the old files
 * unchanged. Not in two threads at once.
 */
int ledger_checkpoint_write(struct ledger_checkpoint *checkpoint, struct ledger *ledger,
	struct ledger_journal *journal, struct errmsg *err);

/*
 * Return whether the next start could not read all of the checkpoint, which this process has read
 * or written whole: it was removed or changed, something else is in its place, or the daemon's user
 * may not read it.
 */
bool ledger_checkpoint_is_lost(const struct ledger_checkpoint *checkpoint, const char *path);

#endif
