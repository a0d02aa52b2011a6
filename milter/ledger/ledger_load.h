#ifndef POSTERN_LEDGER_LOAD_H
#define POSTERN_LEDGER_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/errmsg.h"
#include "lib/base/problems.h"
#include "lib/rules/ledger.h"
#include "milter/ledger/ledger_checkpoint.h"
#include "milter/ledger/ledger_frame.h"

/* The contents of the files besides the keys. A plain value. */
struct ledger_loaded {
	struct ledger_checkpoint checkpoint;
	uint64_t last_journal; /* the highest number of a journal; 0 when there is none */
	bool has_moment;
	struct frame_moment moment; /* the latest one */
	uint64_t newest; /* the ledger's time of the newest charge that was found; or 0 */
};

/*
 * Fill the ledger, which is empty, from the checkpoint at path and the journals after it. If the
 * checkpoint is damaged, it is renamed to PATH.bad, and PATH.prev with its journals is loaded.
 * Every frame that is damaged or torn is left out. problems gets a line per file that has damaged
 * ones, and a note per file whose last one is torn. is_shared: a daemon may be using the files, so
 * none is changed.
 * Returns 0, or -1 with err set: out of memory, or the directory cannot be read.
 */
int ledger_load(const char *path, bool is_shared, struct ledger *ledger,
	struct ledger_loaded *loaded_r, struct problems *problems, struct errmsg *err);

/*
 * Add the problems (no notes) that ledger_load() would report, and change no file. A daemon may be
 * using the files meanwhile. Returns 0, or -1 with err set, as ledger_load() does.
 */
int ledger_load_check(const char *path, struct problems *problems, struct errmsg *err);

#endif
