#ifndef POSTERN_LEDGER_FILE_PRIVATE_H
#define POSTERN_LEDGER_FILE_PRIVATE_H

#include <pthread.h>
#include <stdbool.h>

#include "milter/ledger/ledger_file.h"
#include "milter/ledger/ledger_frame.h"

/* For ledger_file.c, ledger_load.c and ledger_snapshot.c alone. */

struct ledger_file {
	struct ledger *ledger;
	char *path;
	int64_t offset; /* of the ledger's time from the time since the machine started */
	char boot_id[40];
	int lock_fd; /* of PATH.lock; -1: there is none */

	pthread_mutex_t lock; /* guards what follows, to the empty line */
	int fd;		      /* the journal; -1: there is none */
	uint64_t size;	      /* of what is whole in it */
	bool is_dirty;	      /* not yet forced to the disk */
	struct strbuf buf;
	struct errmsg error; /* of the last write */

	uint64_t number;	   /* of the journal */
	uint64_t first_journal;	   /* that the snapshot needs */
	uint64_t previous_journal; /* that PATH.prev needs */
	uint64_t snapshot_size;
	uint64_t marked; /* the ledger's time when a moment was last written */

	pthread_t thread;
	pthread_mutex_t end_lock;
	pthread_cond_t end_wake;
	bool is_running, is_ending;
};

/* What the files said. */
struct ledger_loaded {
	uint64_t first_journal;	   /* that the snapshot needs */
	uint64_t previous_journal; /* that PATH.prev needs */
	uint64_t last_journal;	   /* that there is; 0: none */
	uint64_t snapshot_size;
	bool has_moment;
	struct frame_moment moment; /* the last one */
	uint64_t now;		    /* of the last charge that was found */
};

/* Fill the ledger. 0, or -1 with err set: out of memory, or the folder can't be read. */
int ledger_load(const char *path, struct ledger *ledger, struct ledger_loaded *loaded_r,
	struct problems *problems, struct errmsg *err);

/* Call each() for every journal of path, in no order. 0, or -1 with err set. */
int ledger_each_journal(const char *path,
	void (*each)(void *context, uint64_t number, const char *journal), void *context,
	struct errmsg *err);

/* Begin the journal of the next number. 0, or -1 with err set: the old one stays. */
int ledger_begin_journal(struct ledger_file *file, struct errmsg *err);

/* Add a frame_moment of now to buf. */
void ledger_add_moment(const struct ledger_file *file, struct strbuf *buf);

#endif
