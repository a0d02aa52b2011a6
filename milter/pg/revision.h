#ifndef POSTERN_REVISION_H
#define POSTERN_REVISION_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Which state of a PostgreSQL cluster a load saw. It stands in the JSON store as `revision`, so
 * that a standby which lags behind what was in force is known as such after a restart too.
 * A plain value.
 */
struct revision {
	bool is_known;
	bool in_recovery; /* a standby answered; not kept in the text */
	int64_t wal;	  /* no commit that was seen lies beyond: bytes of write-ahead log */
	char cluster[24]; /* its system identifier; "" where the server does not tell */
};

/* The length of the longest text, with its NUL. */
#define REVISION_SIZE 64

/* "postgresql-1 CLUSTER WAL"; "" for one that is not known. */
void revision_format(const struct revision *revision, char text_r[REVISION_SIZE]);

/* From such a text; anything else gives one that is not known. */
void revision_parse(const char *text, struct revision *revision_r);

/*
 * Whether `here` is a standby which has not replayed yet what is in force. A primary never is: what
 * it says is the truth, also after a failover that lost commits. Some bytes of slack: the primary's
 * insert position skips the header of a page, which the replay position has not done yet.
 */
bool revision_is_behind(const struct revision *here, const struct revision *in_force);

#endif
