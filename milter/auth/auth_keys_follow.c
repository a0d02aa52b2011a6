/*
 * Follows the file of keys for tokens: looks at it each second in a thread of its own, because the
 * file system may never answer, and logins must not wait for it. It owns auth->follower and runs on
 * the server thread; a look belongs to its job until it has ended. t/unit/test_auth_keys.c covers
 * it.
 */
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "milter/auth/auth_private.h"

#define LATE_MS 5000 /* as long as a file may be gone */

struct look {
	const struct config *config; /* a reference */
	struct file_stamp known;
	bool is_due; /* the keys are read even if the stamp is the known one */
	bool has_read;
	struct auth_keys read;
};

static void free_look(void *context)
{
	struct look *look = context;

	config_unref(&look->config);
	auth_keys_free(&look->read);
	free(look);
}

static void run_look(void *context)
{
	struct look *look = context;

	look->has_read = auth_keys_look(look->config, &look->known, look->is_due, &look->read);
}

/* Take the result of a look that has ended. */
static void finish_look(struct auth *auth)
{
	struct auth_keys_follower *follower = &auth->follower;
	struct look *look;

	if (follower->look == NULL || !job_wait(follower->look, 0))
		return;
	look = job_finish(&follower->look);
	if (look->has_read && look->config == auth->config)
		auth_keys_apply(auth, look->config, &look->read);
	free_look(look);
}

static void start_look(struct auth *auth)
{
	static const struct job_work work = { "keys", run_look, free_look, NULL };
	struct look *look = calloc(1, sizeof(*look));

	if (look == NULL)
		return;
	look->config = config_ref(auth->config);
	look->known = auth->keys.stamp;
	look->is_due = auth_keys_are_due(auth);
	auth->follower.config = auth->config;
	auth->follower.look = job_start(&work, look, auth->follower.wake_fd);
	finish_look(auth); /* if the system has refused the thread */
}

static void report_late(struct auth *auth)
{
	struct auth_keys late;

	auth_keys_fail(auth->config, "its file system does not answer", &late);
	auth_keys_apply(auth, auth->config, &late);
}

static void on_woken(evutil_socket_t fd, short what, void *context)
{
	uint64_t count;

	(void)what;
	(void)!read(fd, &count, sizeof(count));
	finish_look(context);
}

int auth_keys_follower_init(struct auth *auth)
{
	struct auth_keys_follower *follower = &auth->follower;

	follower->late_ms = LATE_MS;
	follower->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (follower->wake_fd < 0)
		return -1;
	follower->woken = event_new(server_base(auth->server), follower->wake_fd,
		EV_READ | EV_PERSIST, on_woken, auth);
	return follower->woken != NULL && event_add(follower->woken, NULL) == 0 ? 0 : -1;
}

void auth_keys_follower_free(struct auth *auth)
{
	struct auth_keys_follower *follower = &auth->follower;

	job_abandon(&follower->look);
	if (follower->woken != NULL)
		event_free(follower->woken);
	if (follower->wake_fd > 0)
		(void)close(follower->wake_fd);
}

void auth_keys_follow(struct auth *auth)
{
	struct auth_keys_follower *follower = &auth->follower;

	finish_look(auth);
	if (follower->look != NULL && follower->config != auth->config)
		job_abandon(&follower->look); /* it may look at another file */
	if (auth->config->jwt.keys_file[0] == '\0')
		auth_keys_refresh(auth, false);
	else if (follower->look == NULL)
		start_look(auth);
	else if (clock_ms() - job_begun(follower->look) >= follower->late_ms)
		report_late(auth);
}
