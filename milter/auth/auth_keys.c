/*
 * The keys for tokens: reads them as [jwt] configures, puts them in force, and reads them again
 * when their file changes. It owns auth->keys and runs on the server thread, except for
 * auth_keys_read() and auth_keys_look(), which any thread may call.
 */
#include <string.h>
#include <time.h>

#include "lib/store/token_keys.h"
#include "milter/auth/auth_private.h"
#include "milter/log/log.h"
#include "milter/log/quote.h"
#include "milter/loop/clock.h"

#define KEEP_GONE_MS 5000 /* longer than it takes to replace a file */
#define KEEP_UNREADABLE_MS (3600L * 1000)
#define LOG_EACH_MS (60L * 1000)

/* A file that is changed twice within a step of its file system's clock has one stamp. The steps
 * are some milliseconds long, or up to two seconds. */
#define STAMP_STEP_MS 2000

bool auth_keys_configured(const struct config *config)
{
	return config->jwt.secret[0] != '\0' || config->jwt.keys_file[0] != '\0';
}

static bool is_recent(const struct file_stamp *stamp)
{
	const int64_t changed_ms = stamp->ctime_ns / 1000000;
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return stamp->exists &&
		(int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 - changed_ms < STAMP_STEP_MS;
}

/* Read the key of the shared secret alone, if there is one. */
static void read_secret(const struct config *config, struct auth_keys *read)
{
	if (config->jwt.secret[0] != '\0')
		(void)token_keys_load("", config->jwt.secret, config->user, &read->keys, NULL,
			NULL);
}

void auth_keys_fail(const struct config *config, const char *why, struct auth_keys *read_r)
{
	*read_r = (struct auth_keys){ .failed_since = clock_ms() };
	(void)errmsg_set(&read_r->err, "[jwt] keys_file: %s: %s", config->jwt.keys_file, why);
	read_secret(config, read_r);
}

void auth_keys_read(const struct config *config, struct auth_keys *read_r)
{
	struct auth_keys read = { .keys = NULL };
	const struct config_jwt *jwt = &config->jwt;
	enum token_keys_result result;

	if (jwt->keys_file[0] != '\0')
		(void)file_stamp(jwt->keys_file, &read.stamp, NULL);
	read.is_unsure = is_recent(&read.stamp);
	if (auth_keys_configured(config)) {
		read.problems = problems_new();
		result = token_keys_load(jwt->keys_file, jwt->secret, config->user, &read.keys,
			read.problems, &read.err);
		if (result == TOKEN_KEYS_LOADED)
			read.err.text[0] = '\0';
		else
			read.failed_since = clock_ms();
		if (result == TOKEN_KEYS_GONE)
			read.gone_since = read.failed_since;
		if (result != TOKEN_KEYS_LOADED)
			read_secret(config, &read);
	}
	*read_r = read;
}

void auth_keys_free(struct auth_keys *keys)
{
	jwt_keys_unref(&keys->keys);
	problems_free(&keys->problems);
}

static bool is_same_source(const struct config_jwt *a, const struct config_jwt *b)
{
	return strcmp(a->keys_file, b->keys_file) == 0 && strcmp(a->secret, b->secret) == 0;
}

/*
 * Returns whether old keys stay in force although they could not be read again: a program may be
 * writing the file, or somebody may have damaged it by mistake. Neither lasts, and a removed file
 * withdraws its keys.
 */
static bool keeps_old_keys(const struct auth_keys *read, int64_t now)
{
	return read->failed_since != 0 && now - read->failed_since < KEEP_UNREADABLE_MS &&
		(read->gone_since == 0 || now - read->gone_since < KEEP_GONE_MS);
}

/* Log the problems or the notes of the keys. */
static void log_texts(const struct problems *problems, enum problem_level of, enum log_level level,
	const char *key)
{
	for (size_t i = 0; problems != NULL && i < problems_level_kept(problems, of); i++)
		quote_log(level, key, problems_level_text(problems, of, i), "auth keys");
}

/* Return whether the result needs no log line: it is a failure that was logged within the minute,
 * or that of a file that was read again only to be sure. */
static bool is_logged(const struct auth_keys *old, const struct auth_keys *new, int64_t now)
{
	if (old->logged == 0)
		return false;
	if (new->failed_since != 0)
		return new->is_old == old->is_old &&strcmp(new->err.text, old->err.text) == 0 &&
			now - old->logged < LOG_EACH_MS;
	return old->failed_since == 0 && old->is_unsure &&
		file_stamp_equal(&old->stamp, &new->stamp) &&
		jwt_keys_count(old->keys) == jwt_keys_count(new->keys);
}

static void log_result(const struct config *config, const struct auth_keys *old,
	struct auth_keys *new, int64_t now)
{
	if (is_logged(old, new, now)) {
		new->logged = old->logged;
		return;
	}
	new->logged = now;
	log_texts(new->problems, PROBLEM, LOG_LEVEL_WARNING, "problem");
	log_texts(new->problems, PROBLEM_NOTE, LOG_LEVEL_NOTICE, "note");
	if (new->failed_since != 0)
		quote_log(LOG_LEVEL_ERROR, "error", new->err.text, "auth keys=%s",
			new->is_old		  ? "old" :
				new->keys == NULL ? "none" :
						    "secret");
	else if (auth_keys_configured(config))
		log_event(LOG_LEVEL_NOTICE, "auth keys=%zu", jwt_keys_count(new->keys));
}

void auth_keys_apply(struct auth *auth, const struct config *config, struct auth_keys *read)
{
	const bool is_same = is_same_source(&auth->config->jwt, &config->jwt);
	const int64_t now = clock_ms();
	struct auth_keys old = auth->keys, new = *read;

	*read = (struct auth_keys){ .keys = NULL };
	if (is_same && new.failed_since != 0 && old.failed_since != 0)
		new.failed_since = old.failed_since;
	if (is_same && new.gone_since != 0 && old.gone_since != 0)
		new.gone_since = old.gone_since;
	/* Once the old keys have ended, they do not come back. */
	if (is_same && old.keys != NULL && keeps_old_keys(&new, now) &&
		(old.failed_since == 0 || old.is_old)) {
		jwt_keys_unref(&new.keys);
		new.keys = jwt_keys_ref(old.keys);
		new.is_old = true;
	}
	log_result(config, &old, &new, now);
	auth->keys = new;
	auth_keys_free(&old);
}

bool auth_keys_are_due(const struct auth *auth)
{
	return auth->keys.failed_since != 0 || auth->keys.is_unsure;
}

bool auth_keys_look(const struct config *config, const struct file_stamp *known, bool always,
	struct auth_keys *read_r)
{
	struct file_stamp stamp = { .exists = false };

	if (config->jwt.keys_file[0] != '\0')
		(void)file_stamp(config->jwt.keys_file, &stamp, NULL);
	if (!always && file_stamp_equal(&stamp, known))
		return false;
	auth_keys_read(config, read_r);
	return true;
}

void auth_keys_refresh(struct auth *auth, bool always)
{
	struct auth_keys read;

	if (!auth_keys_look(auth->config, &auth->keys.stamp, always || auth_keys_are_due(auth),
		    &read))
		return;
	if (always)
		auth->keys.logged = 0;
	auth_keys_apply(auth, auth->config, &read);
}

bool auth_takes_tokens(const struct auth *auth)
{
	return auth != NULL && auth->keys.keys != NULL && jwt_keys_count(auth->keys.keys) > 0;
}
