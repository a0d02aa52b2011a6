#ifndef POSTERN_REVISION_H
#define POSTERN_REVISION_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The state of a PostgreSQL cluster that a load saw. The JSON store keeps it as `revision`, so that
 * a server with an older state is recognized after a restart, too. A plain value.
 */
struct revision {
	bool is_known;
	bool in_recovery;  /* a standby answered; not kept in the text */
	bool is_least;	   /* the timeline may be a later one */
	uint32_t timeline; /* 0 with is_least: unknown */
	int64_t wal; /* a position in the write-ahead log, in bytes, beyond all commits seen that a
			crash of the server cannot undo */
	char cluster[24]; /* the cluster's system identifier; "" if the server withholds it */
};

/* The size of the longest text, with its NUL. */
#define REVISION_SIZE 80

/*
 * Write "postgresql-1 CLUSTER WAL TIMELINE", or "" for an unknown revision. "+" follows a timeline
 * that may be a later one; an unknown timeline is left out.
 */
void revision_format(const struct revision *revision, char text_r[REVISION_SIZE]);

/*
 * Parse such a text, also that of a version that knew no timelines; any other text gives an unknown
 * revision.
 */
void revision_parse(const char *text, struct revision *revision_r);

/* How the state of a server compares with the one in force. */
enum revision_age {
	REVISION_CURRENT,      /* not older, or the two cannot be compared */
	REVISION_LAGGING,      /* a standby has not yet replayed the state in force */
	REVISION_SET_BACK,     /* a primary has less WAL on the same timeline: it was restored */
	REVISION_OLD_TIMELINE, /* the server did not take part in a failover that is in force */
};

/*
 * Compare the timelines first, and the WAL only within one timeline: a higher timeline is current
 * however little WAL it has, because a failover may have lost commits that were in force. A
 * timeline that may be a later one never counts as lower. If the two timelines cannot be compared,
 * a standby needs the WAL in force, and a primary is current.
 */
enum revision_age revision_compare(const struct revision *here, const struct revision *in_force);

/* Return whether `a` is the better state of two that are both older than the one in force. */
bool revision_is_better(const struct revision *a, const struct revision *b);

/*
 * A standby that does not report its timeline was found current: what was known about the timeline
 * in force remains known.
 */
void revision_keep_timeline(struct revision *here, const struct revision *in_force);

#endif
