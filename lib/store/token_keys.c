/*
 * Loads the keys of [jwt] from their file and the shared secret, and wipes what it read. Holds no
 * state; any thread.
 */
#include "lib/store/token_keys.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/conf/file.h"

#define KEYS_FILE_MAX (1U << 20)

static bool has_secret(const struct jwt_keys *keys)
{
	for (size_t i = 0; i < jwt_keys_count(keys); i++) {
		if (jwt_keys_at(keys, i)->secret != NULL)
			return true;
	}
	return false;
}

/* Everybody may be able to read public keys, but not shared secrets. */
static int read_file(struct jwt_keys *keys, const char *path, struct problems *problems,
	struct errmsg *err)
{
	char *text;
	size_t len;
	int ret;

	if (file_read(path, KEYS_FILE_MAX, &text, &len, NULL, err) != FILE_READ)
		return -1;
	ret = jwt_keys_add_text(keys, text, len, problems, err);
	explicit_bzero(text, len);
	free(text);
	if (ret < 0)
		return errmsg_prefix(err, "%s: ", path);
	if (has_secret(keys)) {
		if (file_read_secret(path, KEYS_FILE_MAX, &text, &len, err) != FILE_READ)
			return -1;
		explicit_bzero(text, len);
		free(text);
	}
	return 0;
}

int token_keys_load(const char *keys_file, const char *secret, struct jwt_keys **keys_r,
	struct problems *problems, struct errmsg *err)
{
	struct jwt_keys *keys = jwt_keys_new();
	int ret = 0;

	if (keys == NULL)
		return errmsg_set(err, "out of memory");
	if (keys_file[0] != '\0')
		ret = read_file(keys, keys_file, problems, err);
	if (ret < 0)
		(void)errmsg_prefix(err, "[jwt] keys_file: ");
	else if (secret[0] != '\0' &&
		(ret = jwt_keys_add_secret(keys, secret, strlen(secret), err)) < 0)
		(void)errmsg_prefix(err, "[jwt] secret: ");
	if (ret < 0)
		jwt_keys_unref(&keys);
	else
		*keys_r = keys;
	return ret;
}
