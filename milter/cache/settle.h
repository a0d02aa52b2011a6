#ifndef POSTERN_SETTLE_H
#define POSTERN_SETTLE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/conf/file.h"

/*
 * When a watched file may be read: not while it is between two states. An editor renames or
 * removes the old one, or empties it and writes it anew; read at the wrong moment, a list would be
 * empty or half. So a change is read once the file has been left alone, for a time that depends on
 * what is seen of it. Milliseconds of a monotonic clock, as the caller reads it.
 */
enum settle_event {
	SETTLE_MODIFIED, /* written to or truncated by somebody who has it open still */
	SETTLE_CLOSED,	 /* closed by who had it open for writing */
	SETTLE_REPLACED, /* another file came to stand there, whole */
	SETTLE_REMOVED,
	SETTLE_TOUCHED, /* anything else: mode, owner, a link made */
};

/* One file. A plain value; start with all zero, which is a file that is to be read. */
struct settle {
	struct file_stamp loaded; /* what was read last */
	struct file_stamp seen;	  /* the last look */
	int64_t changed_at;	  /* when that was first seen, or the last event */
	bool is_loaded;		  /* `loaded` holds something */
	bool dirty;		  /* to be read, whatever the stamps say */
	bool writing;		  /* open for writing, as far as is known */
	bool noticed;		  /* events told of this change: it is known to be whole or not */
};

#define SETTLE_WHOLE_MS 20   /* replaced, or closed after writing */
#define SETTLE_UNSURE_MS 400 /* changed, and nobody said how */
#define SETTLE_EMPTY_MS 600  /* emptied: the text may follow in another write */
#define SETTLE_GONE_MS 700   /* removed: an editor may be about to put the new one there */
#define SETTLE_OPEN_MS 10000 /* open for writing and left alone for this long */
#define SETTLE_RETRY_MS 5000 /* after a read that failed */

void settle_event(struct settle *settle, enum settle_event event, int64_t now);

enum settle_answer {
	SETTLE_SAME, /* what was read is what stands there */
	SETTLE_WAIT, /* look again at *again_r */
	SETTLE_READ, /* read it now */
};

/* What to do about a file whose stamp is `stamp` now. */
enum settle_answer settle_look(struct settle *settle, const struct file_stamp *stamp, int64_t now,
	int64_t *again_r);

/* It was read; stamp is of what was. */
void settle_loaded(struct settle *settle, const struct file_stamp *stamp);

/* It could not be read: again when it changes, or in SETTLE_RETRY_MS. */
void settle_failed(struct settle *settle, int64_t now);

/* Read it again though nothing may have changed: somebody asks. */
void settle_force(struct settle *settle);

#endif
