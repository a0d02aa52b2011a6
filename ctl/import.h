#ifndef POSTERN_IMPORT_H
#define POSTERN_IMPORT_H

#include <stdbool.h>

#include "ctl/haraka_ini.h"
#include "ctl/import_conf.h"
#include "ctl/import_report.h"
#include "lib/base/strbuf.h"
#include "lib/base/strmap.h"
#include "lib/conf/file.h"
#include "lib/rules/list.h"

#define HARAKA_INI_MAX ((uint64_t)1 << 20) /* bytes of an ini file */

/* The plugins of Haraka that Postern replaces. */
enum haraka_plugin {
	PLUGIN_ACCESS,
	PLUGIN_RDNS_ACCESS,
	PLUGIN_RDNS_REGEXP,
	PLUGIN_MAIL_ACCESS,
	PLUGIN_MAIL_BLOCKLIST,
	PLUGIN_RCPT_ACCESS,
	PLUGIN_RCPT_BLOCKLIST,
	PLUGIN_HELO_CHECKS,
	PLUGIN_LIMIT,
	PLUGIN_RATE_LIMIT,
	PLUGIN_PG_PROFILE,
	PLUGIN_HEADERS, /* data.headers, whose from_match pg-profile reads */
	PLUGIN_DELAY_DENY,
	PLUGIN_COUNT
};

/* One import of a directory. The steps below read its files, one after the other. */
struct import {
	const char *folder; /* Haraka's config directory */
	struct import_report report;
	struct import_conf conf;
	struct strmap *known_files; /* names that a step has read or reported */
	bool has_plugin[PLUGIN_COUNT];
	struct strbuf lists[LIST_COUNT]; /* the texts of the list files; len 0: none */
	char *password, *secret;	 /* of the database and of tokens; NULL: none */
};

/* Initialize for the directory. Returns 0, or -1 when out of memory; import_clear() wipes and frees
 * everything in both cases. */
int import_init(struct import *import, const char *folder);
void import_clear(struct import *import);

/*
 * Read a file of the directory; a failure is reported. The caller frees *text_r. FILE_MISSING is
 * not reported.
 */
enum file_result import_read(struct import *import, const char *name, uint64_t max, char **text_r,
	size_t *len_r);

/* The same for an ini file, whose lines that Haraka ignores are reported. Returns whether it was
 * read; haraka_ini_clear() frees *ini_r in both cases. */
bool import_read_ini(struct import *import, const char *name, struct haraka_ini *ini_r);

/* Return whether the directory contains a file of that name. */
bool import_has_file(const struct import *import, const char *name);

/* Note that a file has been dealt with. */
void import_know(struct import *import, const char *name);

/* Set a key, and report the line as taken, or as refused with the reason. Returns whether it was
 * set. */
bool import_set(struct import *import, const char *section, const char *name, const char *value,
	const char *file, unsigned line);

/* Set a key whose value follows from no line. */
void import_set_fixed(struct import *import, const char *section, const char *name,
	const char *value);

/* The steps, in this order. Each reports what it takes and leaves. */
bool import_plugins(struct import *import); /* false: there is nothing to import */
void import_access(struct import *import);  /* access.ini and the ini files before it */
int import_lists(struct import *import, struct errmsg *err); /* -1: err set */
void import_profile(struct import *import);		     /* pg-profile.json */
void import_limit(struct import *import);		     /* limit.ini */
void import_rest(struct import *import);		     /* smtp.ini and all other files */

/*
 * Write the configuration into a new or an empty directory, completely or not at all. Returns 0, or
 * -1 with err set.
 */
int import_write(struct import *import, const char *folder, struct errmsg *err);

#endif
