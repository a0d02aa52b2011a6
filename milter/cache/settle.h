#ifndef POSTERN_SETTLE_H
#define POSTERN_SETTLE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/conf/file.h"

/*
 * Decides when a watched file may be read: not while it is between two states. An editor renames or
 * removes the old file, or empties it and writes it again; a list read at the wrong moment would be
 * empty or half. Therefore a change is read once the file has been left alone for a time that
 * depends on the kind of the change. Times are milliseconds of the caller's monotonic clock.
 */
enum settle_event {
	SETTLE_MODIFIED, /* written or truncated by a process that still has it open */
	SETTLE_CLOSED,	 /* closed by a process that had it open for writing */
	SETTLE_REPLACED, /* another file, which is complete, was moved to its path */
	SETTLE_REMOVED,
	SETTLE_TOUCHED, /* any other change: mode, owner, a new link */
};

/* The state of one file. A plain value; all zero is a file that has yet to be read. */
struct settle {
	struct file_stamp loaded; /* of the last read */
	struct file_stamp seen;	  /* of the last look */
	int64_t changed_at;	  /* time of the last event, or of the look that saw a change */
	int64_t since;		  /* time of the first event that no read has followed */
	int64_t saved_at;	  /* time of the first close or replacement, if was_saved */
	bool was_saved;		  /* ... which no read has followed */
	int64_t waits_since;	  /* time of the first one of which no text is in force, if waits */
	bool waits;
	bool is_loaded; /* `loaded` is set */
	bool dirty;	/* must be read, even if the stamps are equal */
	bool failed;	/* could not be read the last time, and has not changed since */
	bool writing;	/* probably open for writing */
	bool noticed;	/* an event reported the change, and so whether it is complete */
	bool held;	/* the text was read, and is not used before it is complete */

	/* What was known of the file at the look that answered SETTLE_READ. */
	bool was_noticed, was_writing;
	int64_t complete_at; /* when a held text is complete */
};

/* How long a file must be left alone before it is read: */
#define SETTLE_WHOLE_MS 20   /* after it was replaced, or closed after writing */
#define SETTLE_UNSURE_MS 400 /* after a change without an event */
#define SETTLE_EMPTY_MS 600  /* after it was emptied: the text may follow in another write */
#define SETTLE_GONE_MS 700   /* after it was removed: an editor may be about to replace it */
#define SETTLE_OPEN_MS 10000 /* while it is open for writing and is shorter than it was */
#define SETTLE_RETRY_MS 5000 /* after a read that failed */

/* How long changes wait while the file is open for writing, or is saved again and again, even if it
 * is never left alone: */
#define SETTLE_APPEND_MS 1000 /* while it only becomes longer */
#define SETTLE_LONG_MS 60000  /* while it is shorter than it was */

/* How long a held file must be left alone before it counts as complete: */
#define SETTLE_SAME_MS 2000	/* without events, which would report the end of the writing */
#define SETTLE_NOTHING_MS 60000 /* if it has no byte */

void settle_event(struct settle *settle, enum settle_event event, int64_t now);

enum settle_answer {
	SETTLE_SAME, /* the file is as it was read */
	SETTLE_WAIT, /* look again at *again_r */
	SETTLE_READ, /* read it now */
};

/*
 * Return what to do about a file whose present stamp is `stamp`. Sets *again_r on SETTLE_WAIT only.
 * After SETTLE_READ, the result of the read must be reported before the next look. Events in
 * between belong to a later text, and cause another read.
 */
enum settle_answer settle_look(struct settle *settle, const struct file_stamp *stamp, int64_t now,
	int64_t *again_r);

/*
 * Return whether to use the text that was read in the state that stamp describes: it is the text of
 * the look that answered SETTLE_READ, or a longer one if a process has the file open for writing.
 * Any other text was written since, and may be incomplete. It is used only if programs have saved
 * the file again and again for SETTLE_APPEND_MS, or SETTLE_LONG_MS if it is shorter than the text
 * in force.
 */
bool settle_had_settled(const struct settle *settle, const struct file_stamp *stamp, int64_t now);

/* The text that was read is not used, because it had not settled: look again. */
void settle_dropped(struct settle *settle, int64_t now);

/* The file was read, in the state that stamp describes. */
void settle_loaded(struct settle *settle, const struct file_stamp *stamp);

/*
 * The text was read in the state that stamp describes, but is not used, because much is missing
 * from it. Returns when to read it again if nothing happens: once it is complete.
 */
int64_t settle_held(struct settle *settle, const struct file_stamp *stamp, int64_t now);

/* Return whether the text in the state that stamp describes is complete, as far as was known at the
 * look that answered SETTLE_READ. */
bool settle_is_complete(const struct settle *settle, const struct file_stamp *stamp, int64_t now);

/* The file could not be read: read it when it changes, or in SETTLE_RETRY_MS. */
void settle_failed(struct settle *settle, int64_t now);

/* Have the file read even if it has not changed. */
void settle_force(struct settle *settle);

#endif
