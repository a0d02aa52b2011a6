#ifndef POSTERN_LEDGER_FRAME_H
#define POSTERN_LEDGER_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/strbuf.h"

/*
 * The ledger's files consist of frames, one after the other: a mark, the length of the rest (u32),
 * its CRC-32C (u32), the type (one byte) and the body, in the machine's byte order. Damage costs
 * only the frames that it hits, because reading continues at the next whole frame.
 */
enum frame_type {
	FRAME_HEAD = 'H',   /* of a checkpoint: a struct frame_head */
	FRAME_MOMENT = 'M', /* a struct frame_moment */
	FRAME_KEY = 'k',    /* a key, see lib/rules/ledger_format.h */
	FRAME_RECORD = 'r', /* a record, see lib/rules/ledger_format.h */
	FRAME_KEY_1 = 'K',  /* the same of version 1 */
	FRAME_RECORD_1 = 'R',
	FRAME_END = 'E', /* of a checkpoint: the number of its keys as a u64 */
};

#define FRAME_BODY_MAX (64 << 10) /* bytes */
#define FRAME_VERSION 2 /* of the head; the head of version 1 differs only in its number */

struct frame_head {
	uint32_t version, unused;
	uint64_t first_journal; /* the first journal with records that the checkpoint may lack */
};

/* The clocks at a moment of the ledger's time. */
struct frame_moment {
	uint64_t now;	   /* the ledger's time, microseconds */
	uint64_t boottime; /* microseconds since boot */
	int64_t wall;	   /* microseconds since 1970 */
	char boot_id[40];  /* identifies the boot; padded with NULs */
};

/* Append a frame to buf. */
void frame_add(struct strbuf *buf, enum frame_type type, const void *body, size_t len);

/* Begin a frame; the caller appends the body to buf and passes the result to frame_finish(). */
size_t frame_begin(struct strbuf *buf, enum frame_type type);
void frame_finish(struct strbuf *buf, size_t start);

/* A frame that was read. Borrows the bytes of the scan. */
struct frame {
	enum frame_type type;
	const void *body; /* not aligned */
	size_t len;	  /* of the body */
};

/* Bytes to be read frame by frame. */
struct frame_scan {
	const char *at, *end;
	size_t lost; /* bytes so far that belong to no whole frame */
	size_t torn; /* those of them at the end that begin a frame whose rest is missing */
};

/* Read the next whole frame. Returns false at the end. */
bool frame_next(struct frame_scan *scan, struct frame *frame_r);

#endif
