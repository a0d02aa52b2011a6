/*
 * The postern.conf that an import makes: checks each key as the daemon will, and writes the file.
 * Owns its keys. t/unit/test_import_conf.c covers it.
 */
#include "ctl/import_conf.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/text.h"
#include "lib/base/utf8.h"
#include "lib/conf/config.h"
#include "lib/conf/ini.h"
#include "lib/conf/options.h"

#define KEYS_MAX 10000
#define CHECKED_PATH "/x" /* of a text that is parsed to check a value */

int import_conf_init(struct import_conf *conf)
{
	*conf = (struct import_conf){ .arena = arena_new(4096) };
	return conf->arena == NULL ? -1 : 0;
}

void import_conf_clear(struct import_conf *conf)
{
	arena_free(&conf->arena);
	free(conf->keys);
	*conf = (struct import_conf){ .arena = NULL };
}

static struct import_key *find(const struct import_conf *conf, const char *section,
	const char *name)
{
	for (size_t i = 0; i < conf->count; i++)
		if (strcmp(conf->keys[i].section, section) == 0 &&
			strcmp(conf->keys[i].name, name) == 0)
			return &conf->keys[i];
	return NULL;
}

const char *import_conf_get(const struct import_conf *conf, const char *section, const char *name)
{
	const struct import_key *key = find(conf, section, name);

	return key == NULL ? NULL : key->value;
}

/* Return why a line of postern.conf cannot hold the value; NULL if it can. */
static const char *unwritable_reason(const char *section, const char *value)
{
	const size_t len = strlen(value);
	char *copy;
	bool is_cut;

	for (size_t i = 0; i < len; i++)
		if ((unsigned char)value[i] < ' ' || value[i] == 0x7f)
			return "the value contains a control character";
	if (utf8_valid_len(value, len) < len)
		return "the value is not UTF-8";
	if (len > 0 && (value[0] == ' ' || value[len - 1] == ' '))
		return "the value begins or ends with a space";
	if (strcmp(section, "deny_msg") == 0)
		return NULL;
	if ((copy = strdup(value)) == NULL)
		return "out of memory";
	ini_cut_comment(copy);
	is_cut = strcmp(copy, value) != 0;
	free(copy);
	return is_cut ? "the value contains # or ; after a space, which begins a comment in "
			"postern.conf" :
			NULL;
}

/* Remove "/x:2: " and "[section] name: " from the start of an error of config_parse(). */
static void strip_place(const char *section, const char *name, struct errmsg *err)
{
	static const char path[] = CHECKED_PATH ":";
	char key[200];
	char *at = err->text;

	if (strncmp(at, path, strlen(path)) == 0 && (at = strstr(at, ": ")) != NULL)
		text_remove(err->text, (size_t)(at + 2 - err->text));
	(void)text_format(key, sizeof(key), "[%s] %s: ", section, name);
	if (strncmp(err->text, key, strlen(key)) == 0)
		text_remove(err->text, strlen(key));
}

/* Have the value checked by the parser of postern.conf. */
static int check(const char *section, const char *name, const char *value, struct errmsg *err)
{
	const char *reason = unwritable_reason(section, value);
	const struct config *config;
	struct strbuf text = STRBUF_INIT;
	int ret;

	if (reason != NULL)
		return errmsg_set(err, "%s", reason);
	strbuf_addf(&text, "[%s]\n%s = %s\n", section, name, value);
	if (text.failed)
		return errmsg_set(err, "out of memory");
	ret = config_parse(CHECKED_PATH, text.text, text.len, &config, err);
	strbuf_free(&text);
	if (ret == 0)
		config_unref(&config);
	else
		strip_place(section, name, err);
	return ret;
}

int import_conf_set(struct import_conf *conf, const char *section, const char *name,
	const char *value, const char *file, unsigned line, struct errmsg *err)
{
	struct import_key *key = find(conf, section, name), *grown;

	/* The files with secrets do not exist yet. */
	if (strstr(name, "_file") == NULL && check(section, name, value, err) < 0)
		return -1;
	if (key == NULL && conf->count == KEYS_MAX)
		return errmsg_set(err, "there are already %d keys", KEYS_MAX);
	if (key == NULL && conf->count == conf->size) {
		conf->size = conf->size == 0 ? 64 : 2 * conf->size;
		if ((grown = realloc(conf->keys, conf->size * sizeof(*grown))) == NULL)
			return errmsg_set(err, "out of memory");
		conf->keys = grown;
	}
	if (key == NULL)
		key = &conf->keys[conf->count++];
	*key = (struct import_key){
		.section = arena_strdup(conf->arena, section),
		.name = arena_strdup(conf->arena, name),
		.value = arena_strdup(conf->arena, value),
		.file = file,
		.line = line,
	};
	return key->section == NULL || key->name == NULL || key->value == NULL ?
		errmsg_set(err, "out of memory") :
		0;
}

/* ---- writing --------------------------------------------------------------------- */

/* Text that is being written: each line of it, and the key that the line contains. */
struct writing {
	struct import_conf *conf;
	struct strbuf *text;
	size_t *keys_of_lines; /* of each line, the key's number + 1; 0: none */
	unsigned lines;
	bool skips_files; /* omit password_file and secret_file, which do not exist yet */
};

static void add_line(struct writing *w, size_t key, const char *line)
{
	strbuf_addf(w->text, "%s\n", line);
	w->keys_of_lines[w->lines++] = key;
}

static void write_section(struct writing *w, const char *section)
{
	struct strbuf line = STRBUF_INIT;
	bool begun = false;

	for (size_t i = 0; i < w->conf->count; i++) {
		const struct import_key *key = &w->conf->keys[i];

		if (strcmp(key->section, section) != 0 ||
			(w->skips_files && strstr(key->name, "_file") != NULL))
			continue;
		if (!begun) {
			strbuf_addf(&line, "[%s]", section);
			add_line(w, 0, "");
			add_line(w, 0, line.failed ? "" : line.text);
			begun = true;
		}
		strbuf_reset(&line);
		strbuf_addf(&line, "%s =%s%s", key->name, *key->value == '\0' ? "" : " ",
			key->value);
		add_line(w, i + 1, line.failed ? "" : line.text);
		w->text->failed |= line.failed;
	}
	strbuf_free(&line);
}

/* Write the sections [limit NAME], in the order in which they were set. */
static void write_limits(struct writing *w)
{
	const char *section;

	for (size_t i = 0, j; i < w->conf->count; i++) {
		section = w->conf->keys[i].section;
		for (j = 0; j < i && strcmp(w->conf->keys[j].section, section) != 0; j++)
			;
		if (j == i && strncmp(section, "limit ", 6) == 0)
			write_section(w, section);
	}
}

static void write_all(struct writing *w, const char *comment)
{
	const struct config_option *all;
	size_t count;

	strbuf_reset(w->text);
	w->lines = 0;
	add_line(w, 0, comment);
	all = options_all(&count);
	for (size_t i = 0; i < count; i++) {
		if (i > 0 && strcmp(all[i - 1].section, all[i].section) == 0)
			continue;
		write_section(w, all[i].section);
		if (strcmp(all[i].section, "limit") == 0)
			write_limits(w);
	}
}

/* Remove the key in the line that an error of config_parse() gives. Returns whether it has one. */
static bool remove_wrong(struct writing *w, const char *path, struct import_key *refused_r,
	struct errmsg *err)
{
	const size_t len = strlen(path);
	struct import_conf *conf = w->conf;
	unsigned long line;
	char *end;
	size_t key;

	if (strncmp(err->text, path, len) != 0 || err->text[len] != ':')
		return false;
	line = strtoul(err->text + len + 1, &end, 10);
	if (line < 1 || line > w->lines || w->keys_of_lines[line - 1] == 0)
		return false;
	key = w->keys_of_lines[line - 1] - 1;
	*refused_r = conf->keys[key];
	memmove(&conf->keys[key], &conf->keys[key + 1],
		(conf->count - key - 1) * sizeof(*conf->keys));
	conf->count--;
	text_remove(err->text, (size_t)(end - err->text) + (strncmp(end, ": ", 2) == 0 ? 2 : 0));
	return true;
}

int import_conf_write(struct import_conf *conf, const char *path, const char *comment,
	struct strbuf *text, struct import_key *refused_r, struct errmsg *err)
{
	struct writing w = { .conf = conf, .text = text, .skips_files = true };
	const struct config *config = NULL;
	int ret = -1;

	/* At most three lines for each key: an empty one, its section's and its own. */
	if ((w.keys_of_lines = calloc(3 * conf->count + 1, sizeof(*w.keys_of_lines))) == NULL)
		return errmsg_set(err, "out of memory");
	write_all(&w, comment);
	if (text->failed) {
		(void)errmsg_set(err, "out of memory");
	} else if (config_parse(path, text->text, text->len, &config, err) == 0) {
		w.skips_files = false;
		write_all(&w, comment);
		ret = text->failed ? errmsg_set(err, "out of memory") : 0;
	} else if (remove_wrong(&w, path, refused_r, err)) {
		ret = 1;
	}
	config_unref(&config);
	free(w.keys_of_lines);
	return ret;
}
