#ifndef POSTERN_LEDGER_TIME_H
#define POSTERN_LEDGER_TIME_H

#include <stdint.h>

#include "lib/base/strbuf.h"
#include "milter/ledger/ledger_frame.h"

/*
 * The ledger's time, in microseconds. It advances with the time since the machine was booted, so
 * changes of the wall clock do not affect it. Across a reboot it continues by the wall clock, and
 * it never goes back.
 */

/* The machine's clocks at one moment. A plain value. */
struct ledger_clocks {
	uint64_t boottime; /* microseconds since boot, including sleep */
	int64_t wall;	   /* microseconds since 1970 */
	char boot_id[40];  /* identifies this boot; "" when the kernel does not tell it */
};

void ledger_clocks_read(struct ledger_clocks *clocks_r);

/* How the ledger's time is derived from the clocks. A plain value, constant once it was begun. */
struct ledger_time {
	int64_t offset; /* the ledger's time minus the time since boot */
	char boot_id[40];
};

/*
 * Continue the time of an earlier process. last: the last moment that it saved, or NULL for a new
 * ledger. newest: a time that the new one must not precede, because charges were made then; 0 if
 * there were none.
 */
void ledger_time_begin(struct ledger_time *time_r, const struct frame_moment *last, uint64_t newest,
	const struct ledger_clocks *clocks);

uint64_t ledger_time_now(const struct ledger_time *time);

/* Append a FRAME_MOMENT of now to buf. */
void ledger_time_add_moment(const struct ledger_time *time, struct strbuf *buf);

#endif
