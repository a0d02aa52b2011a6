#ifndef POSTERN_REVISION_H
#define POSTERN_REVISION_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The state of a PostgreSQL cluster that a load saw. The JSON store keeps it as `revision`, so that
 * a standby that lags behind the state in force is recognized after a restart, too. A plain value.
 */
struct revision {
	bool is_known;
	bool in_recovery; /* a standby answered; not kept in the text */
	int64_t wal;	  /* a position in the write-ahead log, in bytes, beyond all commits seen */
	char cluster[24]; /* the cluster's system identifier; "" if the server withholds it */
};

/* The size of the longest text, with its NUL. */
#define REVISION_SIZE 64

/* Write "postgresql-1 CLUSTER WAL", or "" for an unknown revision. */
void revision_format(const struct revision *revision, char text_r[REVISION_SIZE]);

/* Parse such a text; any other text gives an unknown revision. */
void revision_parse(const char *text, struct revision *revision_r);

/*
 * Return whether `here` is a standby that has not yet replayed the state in force. A primary is
 * never behind, because its state is authoritative even after a failover that lost commits. The
 * comparison allows some bytes of slack, because a primary's insert position skips a page header
 * that the replay position has not reached.
 */
bool revision_is_behind(const struct revision *here, const struct revision *in_force);

#endif
