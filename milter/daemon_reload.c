/*
 * What the daemon does at a reload: refuses or applies the new configuration, logs its problems,
 * and reports the result. Owns nothing. The hooks run in the cache thread, except for
 * on_config_read(), which runs in a thread of its own. t/integration/test_daemon.py covers it.
 */
#include <string.h>

#include "milter/daemon_private.h"
#include "milter/log/log.h"
#include "milter/start_check.h"

static bool contains_text(const struct problems *problems, enum problem_level level,
	const char *text)
{
	for (size_t i = 0; problems != NULL && i < problems_level_kept(problems, level); i++) {
		if (strcmp(problems_level_text(problems, level, i), text) == 0)
			return true;
	}
	return false;
}

void daemon_log_config_problems(const struct problems *problems, const struct problems *previous)
{
	const char *text;

	for (int level = PROBLEM; level < PROBLEM_LEVELS; level++) {
		for (size_t i = 0; i < problems_level_kept(problems, level); i++) {
			text = problems_level_text(problems, level, i);
			if (contains_text(previous, level, text))
				continue;
			log_event(level == PROBLEM ? LOG_LEVEL_WARNING : LOG_LEVEL_NOTICE,
				"config %s%s", level == PROBLEM ? "" : "note: ", text);
		}
	}
}

/* Refuse a configuration with which a daemon could not start, and read its files for logins. Runs
 * in a thread of its own. */
static int on_config_read(const struct config *config, void **files_r, struct errmsg *err)
{
	struct problems *errors = problems_new();
	size_t count;

	if (errors == NULL)
		return errmsg_set(err, "out of memory");
	if ((count = start_check(config, errors)) > 0)
		problems_summarize(errors, err);
	problems_free(&errors);
	if (count > 0)
		return -1;
	*files_r = auth_config_read(config);
	return 0;
}

static void on_files_free(void *files)
{
	struct auth_config *read = files;

	auth_config_free(&read);
}

/* Apply a new configuration. Runs in the cache thread. */
static int on_config_taken(void *context, const struct config *config, const struct config *old,
	void *files, struct errmsg *err)
{
	struct daemon *daemon = context;
	struct auth_config *read = files;
	struct problems *changed = problems_new();
	enum log_level level;
	int ret = 0;

	if (log_level_parse(config->log.level, &level) == 0)
		log_set_level(level);
	shared_set_settings(daemon->shared, config->settings);
	ledger_set_bounds(daemon->ledger, config->limits.max_keys, config->limits.max_memory);
	if (daemon->auth != NULL)
		ret = auth_apply_config(daemon->auth, &read, err);
	auth_config_free(&read);
	daemon_log_config_problems(config->warnings, old->warnings);
	daemon_log_config_problems(config->rights, old->rights);
	daemon_status_set_config(daemon->daemon_status, config);
	if (changed != NULL && config_restart_needed(old, config, changed) > 0) {
		for (size_t i = 0; i < problems_kept(changed); i++)
			log_event(LOG_LEVEL_WARNING, "config %s changes only with a restart",
				problems_text(changed, i));
	}
	problems_free(&changed);
	return ret;
}

/* Runs in the cache thread. */
static void on_reload_began(void *context)
{
	(void)context;
	process_reloading();
}

/* Tell posternctl and systemd the result of a reload. Runs in the cache thread. */
static void on_reload_ended(void *context, uint64_t request, bool ok, const struct errmsg *err)
{
	struct daemon *daemon = context;

	process_notify(ok ? "READY=1\nSTATUS=deciding" :
			    "READY=1\nSTATUS=the last reload failed; see posternctl status");
	if (daemon->control != NULL)
		control_reload_ended(daemon->control, request, ok, err);
}

struct cache_hooks daemon_reload_hooks(struct daemon *daemon)
{
	return (struct cache_hooks){
		.context = daemon,
		.reload_began = on_reload_began,
		.config_read = on_config_read,
		.files_free = on_files_free,
		.config_taken = on_config_taken,
		.reload_ended = on_reload_ended,
	};
}
