#ifndef POSTERN_FILE_WAIT_H
#define POSTERN_FILE_WAIT_H

/*
 * Tells another thread the path for which this one waits, because a file system may never answer.
 * The functions of lib/conf that use files report their paths; calls of other functions that use
 * files belong between file_wait_begin() and file_wait_end(). These pairs do not nest.
 */
struct file_waiter {
	/* The thread begins to wait for path; NULL: it has got its answer. */
	void (*wait)(struct file_waiter *waiter, const char *path);
};

/* From now on, this thread reports to waiter, which must outlive it. NULL: to nobody. */
void file_wait_report(struct file_waiter *waiter);

void file_wait_begin(const char *path);
void file_wait_end(void); /* keeps errno */

#endif
