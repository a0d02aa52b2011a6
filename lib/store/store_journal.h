#ifndef POSTERN_STORE_JOURNAL_H
#define POSTERN_STORE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/errmsg.h"
#include "lib/base/strbuf.h"
#include "lib/store/store_base.h"
#include "lib/store/store_row.h"

/*
 * The form of the journal of a store that Postern wrote: the rows in which the present state
 * differs from the file. It is text, and each line begins with a checksum of 8 hexadecimal digits:
 *
 *	0d3c5fa1 postern-journal-1 sha256:...
 *	5b1f8e02 profiles {"id":3,"name":"staff","open":true}
 *	c4a90e77 users {"id":17,"username":"bob",...}
 *	90b23c1d -users {"username":"eve"}
 *	3ef1a6c4 state {"revision":"...","written":"2026-01-31T23:59:59Z"}
 *
 * The first line has the checksum of the store to which the journal belongs; with any other file,
 * it means nothing. A row replaces the one with its key (a profile's id, a user's name without
 * regard to case), or is new; a minus removes it. Lines take effect together, with the next state.
 * A line's checksum is the CRC-32C of the digits before the previous line's text (00000000 in the
 * first line), a blank, and its text. Therefore the lines that are intact are those that were
 * written one after the other.
 */
#define STORE_JOURNAL_FORMAT "postern-journal-1"
#define STORE_JOURNAL_MAX (UINT64_C(256) << 20) /* bytes that are read */

/* Append lines, each of which ends in LF, with their checksums, as they follow *end in the journal
 * of the store with that checksum (hexadecimal); *end is advanced. */
void journal_frame(struct strbuf *text, struct journal_end *end, const char *store_checksum,
	const char *lines, size_t len);

/* A line with a row; its JSON is len bytes of the text at `at`. */
struct journal_row {
	enum store_table table;
	bool is_removal;
	bool is_last; /* of the rows with its key; the reader of rows sets it */
	uint32_t at, len;
};

struct journal {
	const char *text;
	struct journal_row *rows;
	size_t count;
	uint32_t state_at, state_len; /* the JSON of the last state; len 0: there is none */
	struct journal_end end;	      /* after the last state */
	uint64_t excess;	      /* bytes after it: a change that was not written completely */
	bool is_foreign;	      /* it is that of another store */
};

/*
 * Read the lines of a journal of at most STORE_JOURNAL_MAX bytes, which is overwritten and must
 * outlive *journal_r. Returns 0, or -1 when out of memory. journal_clear() frees *journal_r.
 */
int journal_parse(char *text, size_t len, const char *store_checksum, struct journal *journal_r);
void journal_clear(struct journal *journal);

#endif
