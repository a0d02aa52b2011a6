/*
 * A write() in place of the C library's, which hangs while a test holds it. Owns the lock for which
 * it waits; any thread may call it.
 */
#include "t/unit/lib/hanging_write.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool is_held;
static unsigned hanging;

void hanging_write_hold(void)
{
	(void)pthread_mutex_lock(&lock);
	is_held = true;
	(void)pthread_mutex_unlock(&lock);
}

void hanging_write_release(void)
{
	(void)pthread_mutex_lock(&lock);
	is_held = false;
	(void)pthread_cond_broadcast(&changed);
	(void)pthread_mutex_unlock(&lock);
}

void hanging_write_await(void)
{
	(void)pthread_mutex_lock(&lock);
	while (hanging == 0)
		(void)pthread_cond_wait(&changed, &lock);
	(void)pthread_mutex_unlock(&lock);
}

static void hang(void)
{
	(void)pthread_mutex_lock(&lock);
	hanging++;
	(void)pthread_cond_broadcast(&changed);
	while (is_held)
		(void)pthread_cond_wait(&changed, &lock);
	hanging--;
	(void)pthread_mutex_unlock(&lock);
}

ssize_t write(int fd, const void *bytes, size_t len)
{
	ssize_t (*real)(int, const void *, size_t);
	struct stat st;

	*(void **)&real = dlsym(RTLD_NEXT, "write");
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		hang();
	return real(fd, bytes, len);
}
