/*
 * Finds files that another daemon has locked, for `postern -n`. Owns nothing.
 * t/integration/test_faults.py covers it.
 */
#include "milter/lock_check.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/conf/file_lock.h"
#include "milter/daemon_find.h"

/* Return whether a daemon answers on the control socket, as it does if somebody tests a copy of its
 * configuration. */
static bool answers(const struct config *config)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	bool is_answered;
	int fd;

	if (config->control.socket[0] == '\0' ||
		strlen(config->control.socket) >= sizeof(address.sun_path) ||
		(fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) < 0)
		return true; /* unknown */
	memcpy(address.sun_path, config->control.socket, strlen(config->control.socket) + 1);
	is_answered = connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 ||
		errno == EAGAIN; /* somebody listens, and many wait */
	(void)close(fd);
	return is_answered;
}

void lock_check(const struct config *config, const char *file, const char *setting, const char *so,
	struct problems *problems)
{
	char *path;

	if (file[0] == '\0' || daemon_find_running(config->path, config->user) || answers(config) ||
		asprintf(&path, "%s.lock", file) < 0)
		return;
	if (file_lock_is_busy(path))
		problems_add(problems,
			"%s: another daemon uses it, so that %s; set a different %s for each", path,
			so, setting);
	free(path);
}
