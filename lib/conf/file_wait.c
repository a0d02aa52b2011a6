/*
 * Reports the path for which a thread waits. It owns one pointer for each thread. Shown by
 * t/unit/test_job.c.
 */
#include "lib/conf/file_wait.h"

#include <errno.h>
#include <stddef.h>

static _Thread_local struct file_waiter *own;

void file_wait_report(struct file_waiter *waiter)
{
	own = waiter;
}

void file_wait_begin(const char *path)
{
	if (own != NULL)
		own->wait(own, path);
}

void file_wait_end(void)
{
	const int error = errno;

	if (own != NULL)
		own->wait(own, NULL);
	errno = error;
}
