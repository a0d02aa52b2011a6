#ifndef POSTERN_DOCTOR_POSTFIX_CONF_H
#define POSTERN_DOCTOR_POSTFIX_CONF_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/base/errmsg.h"
#include "lib/base/strbuf.h"

/*
 * The settings of Postfix's instances, as postconf(1) shows them: Postfix itself reads main.cf and
 * master.cf, expands the parameters, and applies the options -o of a service. One thread.
 */

/* From where a service can be reached. */
enum doctor_reach {
	DOCTOR_REACH_ALL,   /* from other machines */
	DOCTOR_REACH_LOCAL, /* inet_interfaces of its instance contains loopback addresses only */
	DOCTOR_REACH_RETURN /* it is bound to a loopback address itself, as for mail that a content
			       filter returns */
};

/* A service whose program is smtpd, and which master_service_disable does not switch off, with its
 * own values. Borrowed texts. */
struct doctor_service {
	const char *key; /* "smtp/inet", as for postconf -P and -F */
	const char *name, *type;
	bool is_chrooted;   /* in queue_directory */
	bool is_privileged; /* it runs as root */
	enum doctor_reach reach;
	unsigned process_limit;	 /* 0: none */
	const json_t *overrides; /* the options -o: {name: value}, not expanded */
	const json_t *values;	 /* all parameters of doctor_postfix_value() */
};

struct doctor_instance {
	char *folder;	 /* of main.cf */
	bool is_default; /* it is the one that postconf uses without -c */
	bool is_enabled; /* multi_instance_enable; always of the first instance */
	json_t *values;	 /* of main.cf */
	json_t *listing; /* what the services refer to */
	struct doctor_service *services;
	size_t service_count;
};

struct doctor_postfix {
	struct doctor_instance *instances;
	size_t instance_count;
};

enum doctor_postfix_result {
	DOCTOR_POSTFIX_READ,
	DOCTOR_POSTFIX_MISSING, /* there is no postconf, or no main.cf in the default folder */
	DOCTOR_POSTFIX_FAILED	/* err set: what postconf prints */
};

/*
 * Read the instance with this folder (NULL: the default one) and the instances that it lists in
 * multi_instance_directories. The caller frees *postfix_r, which is set in any case.
 */
enum doctor_postfix_result doctor_postfix_read(const char *folder,
	struct doctor_postfix **postfix_r, struct errmsg *err);
void doctor_postfix_free(struct doctor_postfix **postfix); /* accepts NULL */

/* Return a parameter from `values`; "" if it is empty or this version of Postfix lacks it. */
const char *doctor_postfix_value(const json_t *values, const char *name);
bool doctor_postfix_yes(const json_t *values, const char *name);

/*
 * Iterate over a list of words, separated by commas and white space: return the word at or behind
 * `at`, which has *len_r bytes, or NULL at the end. The next call begins behind it.
 */
const char *doctor_postfix_word(const char *at, size_t *len_r);

/*
 * Append the words of such a list but those that pass the test to rest, with the separator between
 * them. Returns whether a word passes it.
 */
bool doctor_postfix_leave_out(const char *list, bool (*test)(const char *word, size_t len),
	const char *separator, struct strbuf *rest);

/* Return whether such a list contains a word. */
bool doctor_postfix_lists(const char *list, const char *word);

/*
 * Parse a list of milters (smtpd_milters): an array of {"text": as written, "address": "unix:...",
 * "action": its default_action or ""}. A new reference; NULL when out of memory.
 */
json_t *doctor_postfix_milters(const char *list);

#endif
