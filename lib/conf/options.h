#ifndef POSTERN_OPTIONS_H
#define POSTERN_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/errmsg.h"
#include "lib/base/strbuf.h"

/* The one table of every key in postern.conf; postern.conf(5) is checked against it. */

enum option_type {
	OPTION_BOOL,	 /* yes, no, true, false, on, off, 1, 0 */
	OPTION_WORD,	 /* one of words; those of a bool too, where yes and no are among them */
	OPTION_NAME,	 /* one of words, kept as text */
	OPTION_SET,	 /* any of words, white space or commas between */
	OPTION_INT,	 /* min to max */
	OPTION_DURATION, /* 90, 10s, 15m, 6h, 1d; kept in seconds; min to max */
	OPTION_SIZE,	 /* 65536, 64k, 16M, 1G; kept in bytes; min to max */
	OPTION_MODE,	 /* octal permissions: 0660 */
	OPTION_STRING,	 /* at most max bytes */
	OPTION_PATH,	 /* relative to the folder of postern.conf */
	OPTION_SOCKET,	 /* unix:PATH, local:PATH, inet:PORT@HOST, inet6:PORT@HOST */
	OPTION_DOMAIN,	 /* a domain name; kept in its canonical form */
	OPTION_FIELD,	 /* the name of a header field */
	OPTION_NETWORKS, /* addresses and networks, white space or commas between */
};

struct option_word {
	const char *word;
	int value;
};

/* Where a value goes. */
enum option_home { HOME_CONFIG, HOME_SETTINGS, HOME_SERVICE, HOME_NOWHERE };

#define OPTION_RELOAD 1u   /* a reload takes it; else only a restart does */
#define OPTION_SECRET 2u   /* its value is never shown */
#define OPTION_NO_EMPTY 4u /* an empty value is an error */
#define OPTION_FOREIGN 8u  /* of pg-profile.json, without a meaning here: named in a warning */

struct config_option {
	const char *section, *name;
	enum option_type type;
	const char *fallback; /* the default, as it would be written */
	unsigned flags;
	int64_t min, max;		 /* 0, 0: no bounds */
	const struct option_word *words; /* ends with NULL */
	enum option_home home;
	size_t offset, size; /* of the member there */
	const char *text;    /* one line that says what it does */
};

/* All options, section by section. */
const struct config_option *options_all(size_t *count_r);

/* NULL when there is none. "check NAME" finds the keys of [check]. */
const struct config_option *options_find(const char *section, const char *name);
bool options_has_section(const char *section);

/* "yes, no or warn"; "1s to 1h": what would be right, for messages and `posternctl`. */
void options_describe(const struct config_option *option, struct strbuf *text);

/* "time in seconds, 1s to 1d; default: 10s; reload": all that postern.conf(5) says in a key's first
 * line. */
void options_summarize(const struct config_option *option, struct strbuf *text);

/*
 * Describe a section or key that the table lacks: err becomes "there is no connn in [check]; did
 * you mean conn?" and the like. Returns -1.
 */
int options_unknown_section(const char *section, struct errmsg *err);
int options_unknown_key(const char *section, const char *name, struct errmsg *err);

#endif
