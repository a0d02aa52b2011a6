#ifndef POSTERN_STORE_READ_H
#define POSTERN_STORE_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/errmsg.h"
#include "lib/base/problems.h"
#include "lib/conf/file.h"
#include "lib/rules/profile.h"
#include "lib/rules/users.h"

#define STORE_FORMAT "postern-store-1"
#define STORE_MAX (UINT64_C(16) << 30) /* bytes of a store file */

/*
 * What a JSON store held. revision is the text that store_write() was given (a snapshot of
 * PostgreSQL's), written its time in seconds since 1970; "" and 0 in one made by hand.
 */
struct store {
	struct profiles *profiles;
	struct users *users;
	char *revision; /* NULL: as "" */
	int64_t written;
	bool is_machine; /* store_write() made it, and its checksum was right */
	bool from_prev;	 /* it is PATH.prev: the file itself could not be used */
	struct file_stamp stamp;
};

struct store_source {
	bool rcpt_re_anchored;	      /* [profile] rcpt_re_anchored */
	const struct users *previous; /* its unchanged shards are shared; may be NULL */
	struct problems *problems;    /* receives what is wrong with rows; may be NULL */
};

enum store_result {
	STORE_READ,    /* *store_r is the caller's: store_clear() */
	STORE_MISSING, /* there is no such file; err set */
	STORE_REFUSED, /* torn, foreign, newer, altered, unreadable; err says what to do */
};

/*
 * Read a JSON store (design 5.7 and 7; postern.conf(5)). Bad rows are left out, or their users
 * switched off, and named in problems ("users id 17 (bob): ..."); columns that nobody reads are a
 * note there.
 */
enum store_result store_read(const char *path, const struct store_source *source,
	struct store *store_r, struct errmsg *err);

/*
 * The same; when the file is refused or missing and PATH.prev is there, that one is taken and
 * problems says first why. store_r->stamp is then PATH.prev's.
 */
enum store_result store_read_with_prev(const char *path, const struct store_source *source,
	struct store *store_r, struct errmsg *err);

/*
 * Whether there is nothing to read: neither PATH nor PATH.prev exists, or path is "". A file that
 * can't be looked at counts as existing.
 */
bool store_is_missing(const char *path);

/* From text; it is written over. path is for messages. Never STORE_MISSING. */
enum store_result store_parse(const char *path, char *text, size_t len,
	const struct store_source *source, struct store *store_r, struct errmsg *err);

void store_clear(struct store *store);

#endif
