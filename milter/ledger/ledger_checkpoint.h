#ifndef POSTERN_LEDGER_CHECKPOINT_H
#define POSTERN_LEDGER_CHECKPOINT_H

#include <stdint.h>

#include "lib/base/errmsg.h"
#include "lib/rules/ledger.h"
#include "milter/ledger/ledger_journal.h"

/* Which journals the checkpoint files PATH and PATH.prev need. A plain value. */
struct ledger_checkpoint {
	uint64_t first_journal;	   /* the first one with records that PATH may lack */
	uint64_t previous_journal; /* the same for PATH.prev; 0 when there is none */
	uint64_t size;		   /* of PATH in bytes */
};

/*
 * Begin a new journal, write all keys of the ledger to PATH, rename the old PATH to PATH.prev, and
 * remove the journals that neither needs. Other threads may charge meanwhile. Returns 0, or -1 with
 * err set and the old files unchanged. Not in two threads at once.
 */
int ledger_checkpoint_write(struct ledger_checkpoint *checkpoint, struct ledger *ledger,
	struct ledger_journal *journal, struct errmsg *err);

/*
 * Return whether the next start could not read all of the checkpoint, which this process has read
 * or written whole: it was removed, it is shorter or no regular file by now, or the daemon's user
 * may not read it. It is then not kept as PATH.prev.
 */
bool ledger_checkpoint_is_lost(const struct ledger_checkpoint *checkpoint, const char *path);

#endif
