#ifndef POSTERN_BENCH_LOAD_H
#define POSTERN_BENCH_LOAD_H

#include "t/bench/lib/endpoint.h"
#include "t/bench/lib/histogram.h"
#include "t/bench/lib/mta.h"

/* The load to make. */
struct load_options {
	struct endpoint endpoint;
	const struct sessions *sessions; /* taken one after another, again and again */
	size_t connections;		 /* at a time, in all threads together */
	size_t idle;			 /* opened first, and silent during the run */
	size_t threads;
	size_t messages;       /* of each connection; 0: until the time is over */
	double seconds;	       /* 0: until the messages are sent */
	double warmup;	       /* seconds from the start in which nothing is counted */
	double pause;	       /* seconds between two SMTP commands of a session */
	double patience;       /* seconds without any answer after which a run ends as stuck */
	bool is_session_each;  /* a new connection for each message */
	size_t body_size;      /* bytes */
	void (*on_idle)(void); /* called when the idle connections are open; may be NULL */
};

/* The result of a run. Histograms contain nanoseconds. */
struct load_result {
	struct histogram sessions; /* from connect() to the answer to its last message */
	struct histogram messages; /* from MAIL, as it is sent, to the last answer */
	struct histogram callbacks[MTA_STAGES]; /* from an event to its reply */
	uint64_t verdicts[MTA_VERDICTS];
	uint64_t rcpts_refused, changes;
	uint64_t connect_retries;   /* after a full listener's queue, or without a listener */
	double seconds;		    /* in which the above were counted */
	double cpu_seconds;	    /* of this program in its whole run */
	uint32_t actions, protocol; /* what the filter negotiated */
	char macros_asked[MTA_MACROS_SIZE];
	bool is_stuck;
};

/*
 * Open the idle connections, make the load and close everything, in threads of its own. Returns 0,
 * or -1 with err set if the filter cannot be reached or memory or descriptors run out.
 */
int load_run(const struct load_options *options, struct load_result *result_r, struct errmsg *err);

#endif
