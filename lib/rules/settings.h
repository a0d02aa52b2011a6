#ifndef POSTERN_SETTINGS_H
#define POSTERN_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/arena.h"
#include "lib/match/cidr.h"
#include "lib/rules/rates.h"
#include "lib/rules/verdict.h"

/*
 * The settings that the checks read: [check], [rcpt], [deny_msg], [profile], [limits], [limit NAME]
 * and those of [milter], [lists] and [jwt] that affect a decision. lib/conf fills them; afterwards
 * they are immutable and reference-counted.
 */
enum check_mode { MODE_NO, MODE_YES, MODE_WARN };
enum rcpt_accept { ACCEPT_NO, ACCEPT_YES, ACCEPT_STRICT };
enum unknown_user { UNKNOWN_REJECT, UNKNOWN_ACCEPT, UNKNOWN_PROFILE };
enum header_from_mode { HEADER_FROM_OWNED, HEADER_FROM_ENVELOPE, HEADER_FROM_ALIGNED };
enum routed_recipients { ROUTED_REFUSE, ROUTED_ALLOW, ROUTED_REFUSE_ALL };
enum on_error { ON_ERROR_TEMPFAIL, ON_ERROR_ACCEPT };
enum limit_count { COUNT_RECIPIENTS, COUNT_MESSAGES };
enum on_limit { ON_LIMIT_TEMPFAIL, ON_LIMIT_REJECT, ON_LIMIT_SUSPEND };

/* One [check] or [check NAME] section. */
struct service {
	const char *name; /* the MTA's {daemon_name}; NULL for the default service */
	enum check_mode mode[CHECK_COUNT];
	bool authenticated_apply; /* connect and helo also apply to logged-in sessions */
	const struct cidr *exempt;
	size_t exempt_count;
};

struct settings {
	struct arena *arena; /* of all strings and arrays below */
	unsigned refs;	     /* only for settings_ref() and settings_unref() */

	const struct service *services; /* [0] is the default service */
	size_t service_count;

	/* [lists]: canonical names, each with its NUL, and behind the last an empty one */
	const char *local_domains;
	const char *list_delimiter; /* its recipient_delimiter: characters; "" for none */

	enum rcpt_accept rcpt_accept;
	const char *deny_conn, *deny_helo, *deny_mail, *deny_rcpt;

	const char *default_domain;	 /* canonical; "" for none */
	const char *recipient_delimiter; /* characters; "" for none */
	bool allow_null_sender;
	enum unknown_user unknown_user;
	const char *unknown_profile; /* a profile's name, with UNKNOWN_PROFILE */
	enum header_from_mode header_from;
	bool rcpt_re_anchored;
	enum routed_recipients routed_recipients;
	const char *token_login;   /* [jwt] login: logins TOKEN:MAIL may send as MAIL alone */
	const char *token_profile; /* [jwt] profile: the name of their profile */

	enum on_error on_error;
	bool delay_reject;
	const char *results_header; /* "" for none */
	bool results_names;	    /* with rules also in sessions with a login */

	enum limit_count limit_count;
	enum on_limit on_limit;
	uint32_t limit_attempts; /* how often each limit's count may be given back */
	struct rates *rates;	 /* [limit] and [limit NAME], owned; NULL: none */
};

/*
 * Settings with one reference, every check off and every text empty. The defaults are those of
 * lib/conf/option_table.c, which config_parse() fills in. NULL when out of memory.
 */
struct settings *settings_new(void);
struct settings *settings_ref(struct settings *settings); /* thread-safe */
void settings_unref(struct settings **settings);	  /* thread-safe; accepts NULL */

/* Return the section for an MTA service; daemon_name may be NULL. Never NULL. */
const struct service *settings_service(const struct settings *settings, const char *daemon_name);

/* Return MAIL of a login TOKEN:MAIL, where TOKEN is [jwt] login, or NULL for other logins. The
 * result points into login. */
const char *settings_token_mail(const struct settings *settings, const char *login);

/* Return whether the service exempts the client from the checks of connect and helo. */
bool service_exempts(const struct service *service, const struct cidr *client);

#endif
