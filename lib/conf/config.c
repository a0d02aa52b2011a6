/*
 * Loads postern.conf: fills in the defaults of the option table and reads the file over them;
 * config_derive.c derives the rest. Compares configurations. Holds no state; any thread.
 */
#include "lib/conf/config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "lib/base/hash.h"
#include "lib/conf/config_access.h"
#include "lib/conf/config_effect.h"
#include "lib/conf/config_private.h"
#include "lib/conf/config_rates.h"
#include "lib/conf/conninfo.h"
#include "lib/conf/file.h"
#include "lib/conf/file_access.h"
#include "lib/conf/file_wait.h"
#include "lib/conf/ini.h"
#include "lib/conf/options.h"

#define CONFIG_MAX (1u << 20) /* bytes of postern.conf */
#define SERVICES_MAX 1000

/* The NAME of "check NAME"; NULL for other sections. */
static const char *service_name(const char *section)
{
	if (strncmp(section, "check", 5) != 0 || (section[5] != ' ' && section[5] != '\t'))
		return NULL;
	return section + 5 + strspn(section + 5, " \t");
}

static int begin_service(struct config_filling *f, const char *name, struct errmsg *err)
{
	struct service *grown;
	char *copy;
	size_t i;

	for (i = 1; i < f->service_count; i++)
		if (strcasecmp(f->services[i].name, name) == 0)
			return errmsg_set(err, "[check %s] is repeated (case is ignored)", name);
	if (f->service_count == SERVICES_MAX)
		return errmsg_set(err, "more than %d sections [check NAME]", SERVICES_MAX - 1);
	copy = arena_strdup(f->homes.settings->arena, name);
	grown = realloc(f->services, (f->service_count + 1) * sizeof(*grown));
	if (grown != NULL)
		f->services = grown;
	if (copy == NULL || grown == NULL)
		return errmsg_set(err, "out of memory");
	grown[f->service_count] = grown[0];
	grown[f->service_count].name = copy;
	f->homes.service = &grown[f->service_count++];
	return 0;
}

static int enter_section(struct config_filling *f, const char *section, struct errmsg *err)
{
	const char *service = service_name(section);

	f->homes.service = &f->services[0];
	if (service != NULL)
		return f->of_services ? begin_service(f, service, err) : 0;
	if (!options_has_section(section))
		return options_unknown_section(section, err);
	if (strcmp(section, "database") == 0)
		f->config->database.present = true;
	return 0;
}

/* Read one section or key of the file. Called twice for each; see of_services. */
static int read_entry(void *context, const struct ini_entry *entry, struct errmsg *err)
{
	struct config_filling *f = context;
	const struct config_option *option, *all;
	size_t count;

	if (config_is_rates(entry->section))
		return f->of_services ? 0 : config_read_rate(f->homes.settings, entry, err);
	if (entry->name == NULL)
		return enter_section(f, entry->section, err);
	if ((service_name(entry->section) != NULL) != f->of_services)
		return 0;
	option = options_find(f->of_services ? "check" : entry->section, entry->name);
	if (option == NULL)
		return options_unknown_key(entry->section, entry->name, err);
	all = options_all(&count);
	if (!f->of_services)
		f->lines[option - all] = entry->line;
	if (option->flags & OPTION_FOREIGN)
		problems_add(f->config->warnings, "%s:%u: [%s] %s: %s", f->config->path,
			entry->line, option->section, option->name, option->text);
	if (strcmp(entry->section, "deny_msg") != 0) /* a reply may hold # and ; */
		ini_cut_comment(entry->value);
	return option_set(option, &f->homes, entry->value, err);
}

static int fill_defaults(struct config_filling *f, struct errmsg *err)
{
	const struct config_option *all;
	size_t count, i;

	all = options_all(&count);
	for (i = 0; i < count; i++)
		if (*all[i].fallback == '\0' && (all[i].flags & OPTION_NO_EMPTY))
			return errmsg_set(err, "[%s] %s has no default", all[i].section,
				all[i].name);
		else if (option_set(&all[i], &f->homes, all[i].fallback, err) < 0)
			return -1;
	return 0;
}

/* The absolute directory of path, valid after a chdir(). NULL when out of memory or lost. */
static char *folder_of(const char *path)
{
	char *folder = file_absolute(path), *slash = folder == NULL ? NULL : strrchr(folder, '/');

	if (slash != NULL)
		slash[slash == folder ? 1 : 0] = '\0';
	return folder;
}

static void wipe(const char *secret)
{
	if (secret != NULL)
		explicit_bzero((char *)secret, strlen(secret));
}

static void config_free(struct config *c)
{
	wipe(c->given.conninfo);
	wipe(c->given.password);
	wipe(c->database.conninfo);
	wipe(c->jwt.secret);
	settings_unref(&c->settings);
	problems_free(&c->warnings);
	problems_free(&c->rights);
	arena_free(&c->arena);
	free(c->path);
	free(c->folder);
	free(c);
}

static struct config *config_new(const char *path)
{
	struct config *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->refs = 1;
	c->arena = arena_new(4096);
	c->path = strdup(path);
	c->folder = folder_of(path);
	c->settings = settings_new();
	c->warnings = problems_new();
	c->rights = problems_new();
	if (c->settings != NULL)
		c->settings->rates = rates_new();
	if (c->arena == NULL || c->path == NULL || c->folder == NULL || c->settings == NULL ||
		c->settings->rates == NULL || c->warnings == NULL || c->rights == NULL) {
		config_free(c);
		return NULL;
	}
	return c;
}

/* The reference count is the only part of a loaded configuration that changes. */
static unsigned *count_of(const struct config *config)
{
	return &((struct config *)config)->refs;
}

const struct config *config_ref(const struct config *config)
{
	if (config != NULL)
		(void)__atomic_add_fetch(count_of(config), 1, __ATOMIC_RELAXED);
	return config;
}

void config_unref(const struct config **config)
{
	struct config *gone = (struct config *)*config;

	*config = NULL;
	if (gone != NULL && __atomic_sub_fetch(&gone->refs, 1, __ATOMIC_ACQ_REL) == 0)
		config_free(gone);
}

/* Return whether the file has another text by now. */
static bool is_changed(const char *path, uint64_t content)
{
	struct errmsg err;
	bool changed;
	char *text;
	size_t len;

	if (path[0] == '\0' || file_read(path, CONFIG_MAX, &text, &len, NULL, &err) != FILE_READ)
		return false;
	changed = hash_bytes(text, len) != content;
	explicit_bzero(text, len);
	free(text);
	return changed;
}

const char *config_changed_file(const struct config *config)
{
	const char *const paths[CONFIG_TEXTS] = {
		[CONFIG_TEXT_SETTINGS] = config->path,
		[CONFIG_TEXT_PASSWORD] = config->given.password_file,
		[CONFIG_TEXT_SECRET] = config->given.secret_file,
	};

	for (int i = 0; i < CONFIG_TEXTS; i++)
		if (is_changed(paths[i], config->content[i]))
			return paths[i];
	return NULL;
}

void config_check_readable(const struct config *config, const char *user, struct problems *problems)
{
	const struct {
		const char *path;
		bool may_be_missing; /* that is reported elsewhere */
	} files[] = { { config->path, false }, { config->given.password_file, false },
		{ config->given.secret_file, false }, { config->lists.public_suffix_list, false },
		{ config->jwt.keys_file, true }, { config->store.path, true } };
	const char *so = user[0] == '\0' ? "reloads and the next start" : "reloads";
	struct errmsg why;

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		const enum file_result result =
			files[i].path[0] == '\0' ? FILE_READ : file_try_open(files[i].path, &why);

		if (result == FILE_MISSING && !files[i].may_be_missing)
			problems_add(problems, "%s: does not exist, so that %s will fail",
				files[i].path, so);
		else if (result == FILE_FAILED)
			problems_add(problems, "%s: %s%s cannot read it, so that %s will fail: %s",
				files[i].path, user[0] == '\0' ? "the daemon" : "user ", user, so,
				why.text);
	}
}

/* Require that a file with a secret belongs to root or to the daemon, and warn if everybody may
 * read it. Returns 0, or -1 with err set. */
static int check_access(const struct config *c, struct errmsg *err)
{
	const struct config_given *given = &c->given;
	bool holds_one = conninfo_has_password(given->conninfo) ||
		(*given->password != '\0' && *given->password_file == '\0') ||
		(*c->jwt.secret != '\0' && *given->secret_file == '\0');
	struct stat st;
	int failed;

	if (!holds_one)
		return 0;
	file_wait_begin(c->path);
	failed = stat(c->path, &st);
	file_wait_end();
	if (failed != 0)
		return 0;
	if ((st.st_mode & S_IROTH) != 0)
		problems_add(c->warnings,
			"%s: contains a secret, and its mode is %04o, so that " FILE_EVERY_USER
			" read it; make it 0640 (chgrp postern), or use password_file or secret_file",
			c->path, (unsigned)(st.st_mode & 07777));
	return file_check_owner(c->path, &st, c->user, err);
}

static int filling_init(struct config_filling *f, const char *path, struct errmsg *err)
{
	size_t count;

	(void)options_all(&count);
	f->services = calloc(1, sizeof(*f->services));
	f->service_count = 1;
	if ((f->config = config_new(path)) != NULL &&
		(f->lines = arena_alloc(f->config->arena, count * sizeof(*f->lines))) != NULL)
		memset(f->lines, 0, count * sizeof(*f->lines));
	if (f->lines == NULL || f->services == NULL)
		return errmsg_set(err, "%s: out of memory", path);
	f->config->lines = f->lines;
	f->homes.config = f->config;
	f->homes.settings = f->config->settings;
	f->homes.service = &f->services[0];
	return fill_defaults(f, err);
}

/* Read the file in two passes, because [check] must be complete before [check NAME], and derive the
 * rest. Returns 0, or -1 with err set to the first error. */
static int fill(struct config_filling *f, const char *path, const char *text, size_t len,
	struct errmsg *err)
{
	struct errmsg why;
	int ret = ini_read_all(path, text, len, read_entry, f, f->errors, err);

	if (ret < 0 && f->errors == NULL)
		return -1;
	f->of_services = true;
	if (ini_read_all(path, text, len, read_entry, f, f->errors, &why) < 0 && ret == 0) {
		*err = why;
		ret = -1;
	}
	if (ret < 0 && f->errors == NULL)
		return -1;
	if (config_derive(f, &why) < 0 && ret == 0) {
		*err = why;
		ret = -1;
	}
	return ret;
}

static int parse(const char *path, const char *text, size_t len, const char *user,
	struct problems *errors, const struct config **config_r, struct errmsg *err)
{
	struct config_filling f = { .user = user, .errors = errors };
	int ret = filling_init(&f, path, err);

	if (ret == 0)
		ret = fill(&f, path, text, len, err);
	if (ret == 0) {
		f.config->content[CONFIG_TEXT_SETTINGS] = hash_bytes(text, len);
		config_report_effect(f.config, f.config->warnings);
		config_note_access(f.config, f.config->warnings);
		*config_r = f.config;
		f.config = NULL;
	}
	if (f.config != NULL)
		config_free(f.config);
	free(f.services);
	return ret;
}

int config_load(const char *path, const struct config **config_r, struct errmsg *err)
{
	return config_load_for(path, NULL, config_r, err);
}

int config_load_for(const char *path, const char *user, const struct config **config_r,
	struct errmsg *err)
{
	return config_load_all(path, user, config_r, NULL, err);
}

int config_load_all(const char *path, const char *user, const struct config **config_r,
	struct problems *errors, struct errmsg *err)
{
	const struct config *config;
	char *text;
	size_t len;
	int ret;

	if (file_read(path, CONFIG_MAX, &text, &len, NULL, err) != FILE_READ) {
		problems_add(errors, "%s", err->text);
		return -1;
	}
	ret = parse(path, text, len, user, errors, &config, err);
	explicit_bzero(text, len);
	free(text);
	if (ret != 0)
		return -1;
	config_note_files(config, config->rights);
	if (check_access(config, err) != 0) {
		problems_add(errors, "%s", err->text);
		config_unref(&config);
		return -1;
	}
	*config_r = config;
	return 0;
}

int config_parse(const char *path, const char *text, size_t len, const struct config **config_r,
	struct errmsg *err)
{
	return parse(path, text, len, NULL, NULL, config_r, err);
}

static bool same_value(const struct config_option *option, const void *a, const void *b)
{
	switch (option->type) {
	case OPTION_BOOL:
	case OPTION_WORD:
	case OPTION_SET:
	case OPTION_INT:
	case OPTION_DURATION:
	case OPTION_SIZE:
	case OPTION_MODE:
		return memcmp(a, b, option->size) == 0;
	default:
		return strcmp(*(const char *const *)a, *(const char *const *)b) == 0;
	}
}

size_t config_restart_needed(const struct config *running, const struct config *next,
	struct problems *changed)
{
	const struct config_option *all;
	size_t count, i, found = 0;

	all = options_all(&count);
	for (i = 0; i < count; i++) {
		if ((all[i].flags & (OPTION_RELOAD | OPTION_FOREIGN)) != 0)
			continue; /* all others are members of struct config */
		if (same_value(&all[i], (const char *)running + all[i].offset,
			    (const char *)next + all[i].offset))
			continue;
		problems_add(changed, "[%s] %s", all[i].section, all[i].name);
		found++;
	}
	return found;
}
