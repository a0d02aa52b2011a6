#ifndef POSTERN_DESCRIPTORS_H
#define POSTERN_DESCRIPTORS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The process's file descriptors. The last ones below the limit are a reserve for files, the
 * database and the control socket: listeners for strangers accept no connection while only the
 * reserve is free. Any thread may call any function.
 */
struct descriptors {
	uint64_t limit;	  /* RLIMIT_NOFILE */
	uint64_t reserve; /* the number of those in the reserve */
	uint64_t lowest;  /* the lowest free one: at least as many are open; limit: none is free */
};

/* The reserve has 64 descriptors, and less with a limit below 256. Costs two system calls. */
struct descriptors descriptors_look(void);

/* Return whether only the reserve is free, or not even that. */
bool descriptors_short(void);

#endif
