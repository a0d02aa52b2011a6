#ifndef POSTERN_LEDGER_H
#define POSTERN_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/strbuf.h"
#include "lib/rules/limits.h"

/*
 * What has been charged to whom, apart from any policy: the one thing of the library that changes.
 * A key is any text ("login:bob", "rate_conn:192.0.2.7"); its limits come with each call, so that
 * they may change at any time: a window that is new begins with what the longest other one of the
 * key knows.
 *
 * Any thread may call any function: keys are spread over LEDGER_SHARDS parts with a lock each. Time
 * is the caller's, in microseconds since some beginning; it should not go back, and if it does a
 * little, no limit widens. The ledger takes memory for keys that were charged within their longest
 * window, and lets go of the others bit by bit, with each new key and in ledger_sweep().
 */
struct ledger;

#define LEDGER_SHARDS 64
#define LEDGER_REQUESTS_MAX 8 /* keys that are charged together */
#define LEDGER_KEY_MAX 2100   /* bytes; whatever is longer can't be charged */
#define LEDGER_WINDOWS_MAX 16 /* of one key: its limits, and those that it had a while ago */

/* A charge of one key, or a key that was forgotten (no limits). Borrowed for the call. */
struct ledger_record {
	uint64_t seq; /* grows with each record of a key */
	uint64_t now;
	const char *key;
	size_t key_len;
	uint32_t amount;
	size_t limit_count;
	struct limit limits[LIMITS_MAX];
};

/*
 * Write records down so that they outlive the process; called before the charge is in force, with
 * the locks of these keys held, so never for one key from two threads. 0, or -1: then nothing is
 * charged. It must not call the ledger.
 */
typedef int ledger_save_fn(void *context, const struct ledger_record *records, size_t count);

struct ledger *ledger_new(void); /* NULL when out of memory */
void ledger_free(struct ledger **ledger);

/* To be set before there are threads. */
void ledger_on_charge(struct ledger *ledger, ledger_save_fn *save, void *context);

/* One key, and what it is held to. Borrowed. */
struct ledger_request {
	const char *key;
	size_t key_len;
	const struct limit *limits; /* a count of 0 allows nothing */
	size_t limit_count;	    /* LIMITS_MAX at most */
	uint32_t amount;	    /* 1 at least */
};

enum ledger_answer {
	LEDGER_FREE,   /* looked at: there is room; charged: it is charged */
	LEDGER_FULL,   /* a limit refuses; nothing was charged */
	LEDGER_FAILED, /* out of memory, a key too long, or not saved; nothing was charged */
};

/* How a limit stands; after a charge, with it. */
struct ledger_usage {
	bool is_full;	    /* it refuses */
	struct limit limit; /* seconds is 0: there was none */
	uint64_t used;	    /* counted in the window */
	uint64_t wait;	    /* microseconds until the amount fits (after a charge, the same
			       again); UINT64_MAX: it never will */
};

/*
 * Whether all limits of all requests have room. usage_r has room for one of each request: of its
 * limits that refuse the one with the longest wait; else the one that is nearest to full. No key
 * may be there twice.
 */
enum ledger_answer ledger_look(struct ledger *ledger, uint64_t now,
	const struct ledger_request *requests, size_t count, struct ledger_usage usage_r[]);

/*
 * The same, and charge all of them if all have room: in one step, whatever other threads do. Then
 * usage_r tells how they stand afterwards (of what would refuse the next, the longest wait).
 * must_save false: what can't be written down is charged all the same, and counted by
 * ledger_unsaved().
 */
enum ledger_answer ledger_charge(struct ledger *ledger, uint64_t now,
	const struct ledger_request *requests, size_t count, bool must_save,
	struct ledger_usage usage_r[]);

/* Forget a key. Returns 1 when it was there, 0 when not, -1 when that could not be written down: it
 * stays then. */
int ledger_forget(struct ledger *ledger, uint64_t now, const char *key, size_t key_len);

/* ---- looking through it ---------------------------------------------------- */

/* A key and how its windows stand. Borrowed. */
struct ledger_view {
	const char *key; /* with a NUL behind it */
	size_t key_len;
	struct ledger_usage windows[LEDGER_WINDOWS_MAX]; /* limit: what it was last held to */
	size_t window_count;
};

/* Each returns 0 to go on. It is called with a lock held and must not call the ledger. Returns what
 * it last did. */
typedef int ledger_each_fn(void *context, const struct ledger_view *view);

int ledger_each(struct ledger *ledger, uint64_t now, ledger_each_fn *each, void *context);

/* One key. Whether it is there; then each() was called. */
bool ledger_find(struct ledger *ledger, uint64_t now, const char *key, size_t key_len,
	ledger_each_fn *each, void *context);

/* No charge that is in it was made before this time passed; 0: there is none. */
uint64_t ledger_newest(struct ledger *ledger);

/* Let go of idle keys in the next 1/LEDGER_SHARDS of the ledger. */
void ledger_sweep(struct ledger *ledger, uint64_t now);

size_t ledger_count(struct ledger *ledger);	/* keys */
size_t ledger_bytes(struct ledger *ledger);	/* memory that they take */
uint64_t ledger_unsaved(struct ledger *ledger); /* charges that were not written down */

/* ---- to and from a file ---------------------------------------------------- */

/*
 * Add every key of one shard (0 .. LEDGER_SHARDS - 1) to buf, each as the bytes that add() is
 * handed. The form is the ledger's own; it is the same on machines of the same byte order.
 */
typedef void ledger_write_fn(void *context, const void *bytes, size_t len);
void ledger_write_shard(struct ledger *ledger, size_t shard, uint64_t now, struct strbuf *buf,
	ledger_write_fn *add, void *context);

/* Take a key that ledger_write_shard() wrote. 0, or -1: it can't be one, or out of memory. */
int ledger_restore_key(struct ledger *ledger, const void *bytes, size_t len);

/*
 * Do again what a record says, without asking any limit; a record that is in the key already (by
 * seq) does nothing. 0, or -1: it can't be one, or out of memory.
 */
int ledger_restore_record(struct ledger *ledger, const struct ledger_record *record);

/* Records as bytes. decode: 0, or -1 when they are none; the record's key points into bytes. */
void ledger_record_encode(const struct ledger_record *record, struct strbuf *buf);
int ledger_record_decode(const void *bytes, size_t len, struct ledger_record *record_r);

#endif
