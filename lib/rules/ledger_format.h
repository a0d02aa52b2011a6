#ifndef POSTERN_LEDGER_FORMAT_H
#define POSTERN_LEDGER_FORMAT_H

#include "lib/base/strbuf.h"
#include "lib/rules/ledger.h"

/*
 * The ledger's keys and records as bytes, for the files of milter/ledger. Both forms belong to the
 * ledger, use the machine's byte order and contain no padding.
 *
 * A key: seq u64, open u32, origin (7 bytes), key_len u16, counter count u8, attempts count u8, the
 * key, then for each counter and for the attempts of each window: seconds u32, limit u32, named
 * u32, coarse u8, run count u8, base u64, and for each run: tick u32, count u32.
 *
 * A record: seq u64, now u64, amount u32, released u32, attempts u32, origin (7 bytes: the family,
 * the network), key_len u16, change u8 (enum ledger_change), limit count u8, for each limit: count
 * u32, seconds u32; then the key.
 *
 * Version 1 had no reservations. A key: seq u64, key_len u16, counter count u16, the key, and the
 * counters as above. A record: seq u64, now u64, amount u32, key_len u16, limit count u16, the
 * limits as above, the key; without limits, the key is forgotten. It had no origins either: the
 * network of all keys but those of logins ("login:...") is unknown.
 */
enum ledger_version { LEDGER_VERSION_1 = 1, LEDGER_VERSION = 2 };

/* Receives the bytes of one key; bytes is NULL when out of memory. It must not call the ledger. */
typedef void ledger_write_fn(void *context, const void *bytes, size_t len);

/* The place of a pass over all keys; all zero at its beginning. */
struct ledger_pass {
	struct {
		size_t bucket;
		bool is_done;
	} at[LEDGER_SHARDS];
	size_t shard;
};

/*
 * Write the next few keys: each to buf, which is emptied first, and call add() with its bytes. Idle
 * keys are freed instead. Other threads may use the ledger between two calls and during each: a key
 * that exists from the beginning of the pass to its end is written once, as it is at that moment,
 * and any other key at most once. Returns false when the pass has ended.
 */
bool ledger_write_some(struct ledger *ledger, struct ledger_pass *pass, uint64_t now,
	struct strbuf *buf, ledger_write_fn *add, void *context);

/* Prepare for a number of keys that are to be restored, which saves time. */
void ledger_expect(struct ledger *ledger, size_t keys);

/*
 * Add a key that ledger_write_some() has written, in this or an earlier version. Returns 0, or -1
 * when the bytes are not a key, the key exists already, or memory runs out. Not while another
 * thread charges.
 */
int ledger_restore_key(struct ledger *ledger, enum ledger_version version, const void *bytes,
	size_t len);

/*
 * Repeat the change of a record without checking any limit. A record that the key already contains
 * (by its seq) has no effect. Returns 0, or -1 when it cannot be a record or memory runs out. Not
 * while another thread charges.
 */
int ledger_restore_record(struct ledger *ledger, const struct ledger_record *record);

/*
 * Return the latest time that the restored keys and records contain, which the time of a later
 * charge must not precede; 0 when they contain none.
 */
uint64_t ledger_newest(const struct ledger *ledger);

/* Append the record to buf. */
void ledger_record_encode(const struct ledger_record *record, struct strbuf *buf);

/* Returns 0, or -1 when the bytes are not a record of this version. The record's key points into
 * bytes. */
int ledger_record_decode(enum ledger_version version, const void *bytes, size_t len,
	struct ledger_record *record_r);

#endif
