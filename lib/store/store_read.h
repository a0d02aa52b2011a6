#ifndef POSTERN_STORE_READ_H
#define POSTERN_STORE_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/errmsg.h"
#include "lib/base/problems.h"
#include "lib/conf/file.h"
#include "lib/rules/profile.h"
#include "lib/rules/users.h"
#include "lib/store/store_base.h"
#include "lib/store/store_replay.h"

#define STORE_FORMAT "postern-store-1"
#define STORE_MAX (UINT64_C(16) << 30) /* bytes of a store file */

/*
 * The content of a JSON store. revision is the text that store_write() received (a database
 * snapshot), written its time in seconds since 1970; they are "" and 0 in a store made by hand.
 */
struct store {
	struct profiles *profiles;
	struct users *users;
	char *revision; /* NULL: as "" */
	int64_t written;
	bool is_machine; /* store_write() made it, and its checksum matches */
	bool from_prev;	 /* it is PATH.prev, because the file itself is unusable */
	bool is_behind;	 /* the same, or its journal cannot be read: it lacks changes */
	struct file_stamp stamp;
	struct store_base base; /* of PATH, if is_machine: where its journal goes on */
};

struct store_source {
	bool rcpt_re_anchored;			  /* [profile] rcpt_re_anchored */
	const struct users *previous;		  /* its unchanged shards are shared; may be NULL */
	const struct profiles *previous_profiles; /* the same for unchanged rcpt_re */
	uid_t user;				  /* the daemon's, as in struct file_use */
	struct problems *problems;		  /* receives the problems of rows; may be NULL */
	unsigned parts; /* in which the users are read, each by a thread, at
			   most PARALLEL_MAX; 0: as many as pay */
};

enum store_result {
	STORE_READ,    /* the caller frees *store_r with store_clear() */
	STORE_MISSING, /* the file does not exist; err set */
	STORE_REFUSED, /* torn, foreign, newer, altered or unreadable; err tells what to do */
};

/*
 * Read a JSON store (docs/design.md, sections 5 and 7; postern-store(5)) and the changes in its
 * journal. Bad rows are left out, or their users switched off, and added to the problems of source
 * ("users id 17 (bob): ..."). Unknown columns are added as notes. A journal that cannot be read is
 * a problem, too.
 */
enum store_result store_read(const char *path, const struct store_source *source,
	struct store *store_r, struct errmsg *err);

/*
 * The same, but if the file is refused or missing, read PATH.prev and add the reason to the
 * problems. store_r->stamp is then that of PATH.prev.
 */
enum store_result store_read_with_prev(const char *path, const struct store_source *source,
	struct store *store_r, struct errmsg *err);

/*
 * Return whether neither PATH nor PATH.prev exists, or path is "". A file whose existence is
 * unknown, because the process may not search its directory, counts as existing.
 */
bool store_is_missing(const char *path);

/* The same for a text and that of its journal (may be NULL), which is overwritten. path is used in
 * messages. Never returns STORE_MISSING. */
enum store_result store_parse(const char *path, const char *text, size_t len,
	const struct journal_text *journal, const struct store_source *source,
	struct store *store_r, struct errmsg *err);

void store_clear(struct store *store);

#endif
