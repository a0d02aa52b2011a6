/*
 * Counts the file descriptors that are left. Owns nothing: the kernel has the numbers. Any thread
 * may call it.
 */
#include "milter/loop/descriptors.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#define RESERVE_MAX 64
#define RESERVE_SHARE 4 /* the reserve is at most a quarter of the limit */

/* Each new descriptor gets the lowest free number, so that a duplicate shows which one that is. */
static uint64_t lowest_free(uint64_t limit)
{
	int fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
	uint64_t number;

	if (fd < 0)
		return limit;
	number = (uint64_t)fd;
	(void)close(fd);
	return number;
}

struct descriptors descriptors_look(void)
{
	struct descriptors descriptors = { .limit = UINT64_MAX };
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0)
		descriptors.limit = files.rlim_cur;
	descriptors.reserve = descriptors.limit / RESERVE_SHARE;
	if (descriptors.reserve > RESERVE_MAX)
		descriptors.reserve = RESERVE_MAX;
	descriptors.lowest = lowest_free(descriptors.limit);
	return descriptors;
}

bool descriptors_short(void)
{
	const struct descriptors descriptors = descriptors_look();

	return descriptors.lowest >= descriptors.limit - descriptors.reserve;
}
