/*
 * The keys for tokens: reads them as [jwt] configures, puts them in force, and reads them again
 * when their file changes. It owns auth->keys and runs on the server thread; auth_keys_read() also
 * runs on the cache thread.
 */
#include <string.h>

#include "lib/store/token_keys.h"
#include "milter/auth/auth_private.h"
#include "milter/log/log.h"
#include "milter/log/quote.h"

bool auth_keys_configured(const struct config *config)
{
	return config->jwt.secret[0] != '\0' || config->jwt.keys_file[0] != '\0';
}

void auth_keys_read(const struct config *config, struct auth_keys *read_r)
{
	struct auth_keys read = { .keys = NULL };
	struct problems *problems;
	struct errmsg problem;

	if (config->jwt.keys_file[0] != '\0')
		(void)file_stamp(config->jwt.keys_file, &read.stamp, NULL);
	if (auth_keys_configured(config)) {
		problems = problems_new();
		if (token_keys_load(config->jwt.keys_file, config->jwt.secret, &read.keys, problems,
			    &read.err) == 0)
			read.err.text[0] = '\0';
		for (size_t i = 0; problems != NULL && i < problems_kept(problems); i++) {
			(void)errmsg_set(&problem, "%s: %s", config->jwt.keys_file,
				problems_text(problems, i));
			if (i == 0)
				read.reason = problem;
			quote_log(LOG_LEVEL_WARNING, "problem", problem.text, "auth keys");
		}
		read.left_out = problems == NULL ? 0 : problems_count(problems);
		problems_free(&problems);
	}
	*read_r = read;
}

static bool is_same_source(const struct config_jwt *a, const struct config_jwt *b)
{
	return strcmp(a->keys_file, b->keys_file) == 0 && strcmp(a->secret, b->secret) == 0;
}

/*
 * Old keys stay in force only while the file that they are from cannot be read, because it may be
 * half written. When the source has changed, somebody has just withdrawn them.
 */
void auth_keys_apply(struct auth *auth, const struct config *config, struct auth_keys *read)
{
	bool failed = read->err.text[0] != '\0';

	if (!failed || !is_same_source(&auth->config->jwt, &config->jwt)) {
		jwt_keys_unref(&auth->keys.keys);
		auth->keys.keys = read->keys;
		read->keys = NULL;
	}
	auth->keys.stamp = read->stamp;
	auth->keys.err = read->err;
	auth->keys.left_out = read->left_out;
	auth->keys.reason = read->reason;
	if (failed)
		quote_log(LOG_LEVEL_ERROR, "error", read->err.text, "auth keys=%s",
			auth->keys.keys == NULL ? "none" : "old");
	else if (auth_keys_configured(config))
		log_event(LOG_LEVEL_NOTICE, "auth keys=%zu", jwt_keys_count(auth->keys.keys));
}

void auth_keys_refresh(struct auth *auth, bool always)
{
	struct file_stamp stamp = { .exists = false };
	struct auth_keys read;

	if (auth->config->jwt.keys_file[0] != '\0')
		(void)file_stamp(auth->config->jwt.keys_file, &stamp, NULL);
	if (!always && file_stamp_equal(&stamp, &auth->keys.stamp))
		return;
	auth_keys_read(auth->config, &read);
	auth_keys_apply(auth, auth->config, &read);
}
