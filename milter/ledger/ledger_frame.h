#ifndef POSTERN_LEDGER_FRAME_H
#define POSTERN_LEDGER_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/strbuf.h"

/*
 * The ledger's files are frames, one behind the other: a mark, the length of what follows (u32),
 * its CRC-32C (u32), a byte for what it is, and its body. All in the machine's byte order. Damage
 * costs the frames that it hits: reading goes on at the next one that is whole.
 */
enum frame_type {
	FRAME_HEAD = 'H',   /* of a snapshot: what follows is a struct frame_head */
	FRAME_MOMENT = 'M', /* a struct frame_moment */
	FRAME_KEY = 'K',    /* as ledger_write_shard() has it */
	FRAME_RECORD = 'R', /* as ledger_record_encode() has it */
	FRAME_END = 'E',    /* of a snapshot: a u64, how many keys it holds */
};

#define FRAME_BODY_MAX (64 << 10)
#define FRAME_VERSION 1

struct frame_head {
	uint32_t version, unused;
	uint64_t first_journal; /* the first one whose records may not be in it */
};

/* What the clocks showed at a moment of the ledger's time. */
struct frame_moment {
	uint64_t now;	   /* of the ledger, microseconds */
	uint64_t boottime; /* microseconds since the machine started */
	int64_t wall;	   /* microseconds since 1970 */
	char boot_id[40];  /* which start of the machine it was; and NULs */
};

/* Add a frame to buf. */
void frame_add(struct strbuf *buf, enum frame_type type, const void *body, size_t len);

/* Begin a frame whose body is added to buf next; returns what frame_finish() wants. */
size_t frame_begin(struct strbuf *buf, enum frame_type type);
void frame_finish(struct strbuf *buf, size_t start);

struct frame {
	enum frame_type type;
	const void *body; /* not aligned */
	size_t len;
};

/* Bytes that are read frame by frame. */
struct frame_scan {
	const char *at, *end;
	size_t lost; /* bytes that were no whole frame */
};

/* The next whole frame; false at the end. */
bool frame_next(struct frame_scan *scan, struct frame *frame_r);

#endif
