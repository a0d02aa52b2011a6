#ifndef POSTERN_OPTIONS_H
#define POSTERN_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/errmsg.h"
#include "lib/base/strbuf.h"

/* The table of all keys of postern.conf. Tests compare postern.conf(5) and etc/postern.conf with
 * it. */

enum option_type {
	OPTION_BOOL,	 /* yes, no, true, false, on, off, 1, 0 */
	OPTION_WORD,	 /* one of words; also those of a bool if yes and no are among them */
	OPTION_NAME,	 /* one of words, kept as text */
	OPTION_SET,	 /* any of words, separated by white space or commas */
	OPTION_INT,	 /* min to max */
	OPTION_DURATION, /* 90, 10s, 15m, 6h, 1d; kept in seconds; min to max */
	OPTION_SIZE,	 /* 65536, 64k, 16M, 1G; kept in bytes; min to max */
	OPTION_MODE,	 /* octal permissions: 0660 */
	OPTION_STRING,	 /* at most max bytes */
	OPTION_PATH,	 /* relative to the directory of postern.conf; at most max bytes with it */
	OPTION_SOCKET,	 /* unix:PATH, local:PATH, inet:PORT@HOST, inet6:PORT@HOST; PATH as above;
			    or one of words, kept as text */
	OPTION_DOMAIN,	 /* a domain name; kept in its canonical form */
	OPTION_DOMAINS,	 /* at most max domain names, separated by white space or commas; kept in
			    their canonical form, each with its NUL, and an empty one behind them */
	OPTION_FIELD,	 /* the name of a header field */
	OPTION_NETWORKS, /* addresses and networks, separated by white space or commas */
};

/* The bytes of a unix socket's path: sun_path (unix(7)) has 108, with the NUL. */
#define OPTION_SOCKET_PATH_MAX 107

struct option_word {
	const char *word;
	int value;
};

/* The struct that receives a value. */
enum option_home { HOME_CONFIG, HOME_SETTINGS, HOME_SERVICE, HOME_NOWHERE };

#define OPTION_RELOAD 1u   /* a reload applies it; otherwise only a restart does */
#define OPTION_SECRET 2u   /* messages never show its value */
#define OPTION_NO_EMPTY 4u /* an empty value is an error */
#define OPTION_FOREIGN 8u  /* of pg-profile.json: ignored with a warning */
#define OPTION_DERIVED 16u /* if it is not set, it follows from another key: config_derive.c */
#define OPTION_CHOSEN 32u  /* if it is empty, config_sockets.c chooses the value */

struct config_option {
	const char *section, *name;
	enum option_type type;
	const char *fallback; /* the default, in the form of the file */
	unsigned flags;
	int64_t min, max;		 /* 0, 0: no bounds */
	const struct option_word *words; /* ends with NULL */
	enum option_home home;
	size_t offset, size; /* of the member in its home */
	const char *text;    /* one line: what the key is or does */
};

/* All options, section by section. */
const struct config_option *options_all(size_t *count_r);

/* Return the option; NULL if the table does not contain it. The section "check NAME" has the keys
 * of [check]. */
const struct config_option *options_find(const char *section, const char *name);
bool options_has_section(const char *section);

/* Add the permitted values, for messages: "yes, no or warn". */
void options_describe(const struct config_option *option, struct strbuf *text);

/* Add a number in the largest unit that divides it: for OPTION_DURATION "15m", for OPTION_SIZE
 * "64k". */
void options_add_number(enum option_type type, int64_t number, struct strbuf *text);

/*
 * Describe a section or key that the table does not contain: err becomes "there is no connn in
 * [check]; did you mean conn?" and the like. Returns -1.
 */
int options_unknown_section(const char *section, struct errmsg *err);
int options_unknown_key(const char *section, const char *name, struct errmsg *err);

#endif
