/*
 * Loads the keys of [jwt] from their file and the shared secret, and wipes what it read. Holds no
 * state; any thread.
 */
#include "lib/store/token_keys.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/utf8.h"
#include "lib/conf/file.h"
#include "lib/conf/file_access.h"

#define KEYS_FILE_MAX (1U << 20)

/* Returns whether the text has only white space and comments, such as keys that somebody has put
 * out of force. */
static bool is_blank(const char *text, size_t len)
{
	bool is_comment = false;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n')
			is_comment = false;
		else if (text[i] == '#')
			is_comment = true;
		else if (!is_comment && memchr(" \t\r", text[i], 3) == NULL)
			return false;
	}
	return true;
}

/* Add the keys in text. Their problems begin with the path. */
static int add_keys(struct jwt_keys *keys, const char *path, const char *text, size_t len,
	struct problems *problems, struct errmsg *err)
{
	struct problems *found = problems_new();
	int ret;

	if (found == NULL)
		return errmsg_set(err, "out of memory");
	ret = jwt_keys_add_text(keys, text, len, found, err);
	for (size_t i = 0; i < problems_kept(found); i++)
		problems_add(problems, "%s: %s", path, problems_text(found, i));
	for (size_t i = 0; i < problems_level_kept(found, PROBLEM_NOTE); i++)
		problems_note(problems, "%s: %s", path,
			problems_level_text(found, PROBLEM_NOTE, i));
	problems_free(&found);
	return ret;
}

/* Returns whether the path leads to no file, be it through a link. */
static bool is_gone(const char *path)
{
	struct stat st;

	return stat(path, &st) != 0 && (errno == ENOENT || errno == ENOTDIR);
}

/* Everybody may be able to read public keys, but not shared secrets and private keys. */
static enum token_keys_result read_file(struct jwt_keys *keys, const char *path, uid_t user,
	struct problems *problems, struct errmsg *err)
{
	enum token_keys_result result = TOKEN_KEYS_FAILED;
	char *text;
	size_t len, mark;

	switch (file_read(path, KEYS_FILE_MAX, &text, &len, NULL, err)) {
	case FILE_MISSING:
		return TOKEN_KEYS_GONE;
	case FILE_FAILED:
		return is_gone(path) ? TOKEN_KEYS_GONE : TOKEN_KEYS_FAILED;
	case FILE_READ:
		break;
	}
	mark = utf8_mark_len(text, len);
	if (is_blank(text + mark, len - mark)) {
		(void)errmsg_set(err, "no key found: the file is empty or has only comments");
		result = TOKEN_KEYS_GONE;
	} else if (add_keys(keys, path, text + mark, len - mark, problems, err) == 0) {
		result = TOKEN_KEYS_LOADED;
	}
	explicit_bzero(text, len);
	free(text);
	if (result != TOKEN_KEYS_LOADED) {
		(void)errmsg_prefix(err, "%s: ", path);
	} else if (jwt_keys_are_private(keys)) {
		if (file_read_secret(path, KEYS_FILE_MAX, user, &text, &len, err) != FILE_READ)
			return TOKEN_KEYS_FAILED;
		explicit_bzero(text, len);
		free(text);
	}
	/* Whoever can add a key can log in as anybody, even if the file has no secret. */
	if (result == TOKEN_KEYS_LOADED)
		file_note_use(&(const struct file_use){ .path = path,
				      .user = user,
				      .can = "add a key and make tokens of anybody" },
			problems);
	return result;
}

enum token_keys_result token_keys_load(const char *keys_file, const char *secret, uid_t user,
	struct jwt_keys **keys_r, struct problems *problems, struct errmsg *err)
{
	enum token_keys_result result = TOKEN_KEYS_LOADED;
	struct jwt_keys *keys = jwt_keys_new();

	if (keys == NULL) {
		(void)errmsg_set(err, "out of memory");
		return TOKEN_KEYS_FAILED;
	}
	if (keys_file[0] != '\0')
		result = read_file(keys, keys_file, user, problems, err);
	if (result != TOKEN_KEYS_LOADED) {
		(void)errmsg_prefix(err, "[jwt] keys_file: ");
	} else if (secret[0] != '\0' &&
		jwt_keys_add_secret(keys, secret, strlen(secret), err) < 0) {
		(void)errmsg_prefix(err, "[jwt] secret: ");
		result = TOKEN_KEYS_FAILED;
	}
	if (result != TOKEN_KEYS_LOADED)
		jwt_keys_unref(&keys);
	else
		*keys_r = keys;
	return result;
}

struct jwt_rules token_keys_rules(const struct config_jwt *jwt, const struct jwt_keys *keys)
{
	return (struct jwt_rules){
		.keys = keys,
		.issuer = jwt->issuer,
		.audience = jwt->audience,
		.refuse_audience = jwt->keys_file[0] != '\0',
		.mail_claim = jwt->mail_claim,
	};
}
