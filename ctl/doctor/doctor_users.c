/*
 * Examines the users and profiles of the JSON store, or of the daemon's copy of a database:
 * passwords that cannot be checked, profiles without users or recipients, and addresses of several
 * users. Owns nothing. t/integration/test_doctor_users.py covers it.
 */
#include <stdlib.h>
#include <string.h>

#include "ctl/doctor/doctor_examinations.h"
#include "ctl/paste_quote.h"
#include "lib/auth/password.h"
#include "lib/base/strmap.h"
#include "lib/base/text.h"
#include "lib/rules/check.h"
#include "lib/store/store_read.h"

#define SCHEMES_MAX 16
#define LISTED_MAX 5 /* rows that a finding or a kind of findings names */

/* Users with something in common. The names are borrowed from the rows. */
struct group {
	char scheme[32];
	size_t count;
	const char *names[LISTED_MAX];
};

struct users_view {
	const struct doctor *doctor;
	const struct store *store;
	bool checks_passwords;
	size_t usable; /* passwords that can be checked */
	struct group none, schemes[SCHEMES_MAX];
	size_t scheme_count;
	struct strmap *owners; /* of addresses: the number of the user */
	const char **names;    /* of the users, by number */
	size_t seen;
	struct strmap *shared; /* addresses that are counted already */
	bool failed;	       /* out of memory */
};

static void group_add(struct group *group, const char *name)
{
	if (group->count < LISTED_MAX)
		group->names[group->count] = name;
	group->count++;
}

/* Name the scheme of a hash that cannot be checked. A text of any other form may be a password. */
static void name_scheme(const char *hash, char scheme_r[32])
{
	static const char capitals[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.";
	static const char *const known[] = { "$1$", "$2$", "$2a$", "$2b$", "$2x$", "$2y$", "$5$",
		"$6$", "$7$", "$y$", "$gy$", "$md5$", "$sha1$", "$apr1$", "$argon2i$", "$argon2id$",
		"$argon2d$", "$P$", "$H$", "$S$" };
	const size_t len = hash[0] == '{' ? strspn(hash + 1, capitals) : 0;

	if (len > 0 && len < 24 && hash[len + 1] == '}') {
		(void)text_format(scheme_r, 32, "%.*s", (int)len + 2, hash);
		return;
	}
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strncmp(hash, known[i], strlen(known[i])) == 0) {
			(void)text_format(scheme_r, 32, "%s", known[i]);
			return;
		}
	}
	(void)text_format(scheme_r, 32, "no known scheme");
}

static struct group *find_group(struct users_view *view, const char *scheme)
{
	for (size_t i = 0; i < view->scheme_count; i++) {
		if (strcmp(view->schemes[i].scheme, scheme) == 0)
			return &view->schemes[i];
	}
	if (view->scheme_count == SCHEMES_MAX)
		return &view->schemes[SCHEMES_MAX - 1];
	memcpy(view->schemes[view->scheme_count].scheme, scheme, 32);
	return &view->schemes[view->scheme_count++];
}

static void see_password(struct users_view *view, const struct user *user)
{
	struct errmsg why;
	char scheme[32];

	if (user->password[0] == '\0') {
		group_add(&view->none, user->name);
	} else if (password_usable(user->password, &why) == 0) {
		view->usable++;
	} else if (password_usable_or_lock(user->password, &why) != 0) {
		name_scheme(user->password, scheme);
		group_add(find_group(view, scheme), user->name);
	}
}

/* Report the address if another user owns it. Several users often share a domain. */
static void see_address(struct users_view *view, const char *address, uint32_t number)
{
	const size_t len = strlen(address);
	uint32_t owner = 0;
	int added;

	if (strchr("@.", address[0]) != NULL || strchr(address, '*') != NULL)
		return;
	added = strmap_add(view->owners, address, len, number);
	if (added < 0)
		view->failed = true;
	if (added != 0 || strmap_find(view->owners, address, len, &owner) == 0 || owner == number)
		return;
	if (strmap_add(view->shared, address, len, owner) != 1 ||
		strmap_count(view->shared) > LISTED_MAX)
		return;
	doctor_cure(doctor_find(view->doctor, DOCTOR_ADVICE,
			    "the address %s belongs to the users %s and %s", address,
			    view->names[owner], view->names[number]),
		"If this is not a shared mailbox, remove the address from the froms of one user.");
}

/* The address of a user without froms follows from the login. */
static void see_own_address(struct users_view *view, const char *name, uint32_t number)
{
	struct mail_address own;

	if (check_own_address(view->doctor->config->settings, name, &own) == 0)
		see_address(view, own.canon, number);
}

static int see_user(void *context, const struct user *user)
{
	struct users_view *view = context;
	const uint32_t number = (uint32_t)view->seen++;
	const char *at;

	view->names[number] = user->name;
	if (!user->enabled)
		return 0;
	if (view->checks_passwords)
		see_password(view, user);
	if (!user->has_froms)
		see_own_address(view, user->name, number);
	for (at = user_next_from(user, NULL); at != NULL; at = user_next_from(user, at))
		see_address(view, at, number);
	return view->failed ? -1 : 0;
}

/* ---- passwords ------------------------------------------------------------------- */

/* "user bob has" or "3 users, bob among them, have" */
static const char *describe_group(const struct group *group, struct errmsg *text)
{
	if (group->count == 1)
		(void)errmsg_set(text, "the user %s has", group->names[0]);
	else
		(void)errmsg_set(text, "%zu users, %s among them, have", group->count,
			group->names[0]);
	return text->text;
}

/* Add the commands that set new passwords. */
static void add_passwd(const struct doctor *doctor, struct doctor_finding *finding,
	const struct group *group)
{
	for (size_t i = 0; i < group->count && i < LISTED_MAX; i++)
		doctor_shell(finding, "posternctl", "-c", doctor->config->path, "user", "passwd",
			group->names[i], (const char *)NULL);
}

static const char *password_cure(const struct doctor *doctor)
{
	return doctor->config->database.present ?
		"A hash cannot be converted. Set new passwords: each command asks for one and "
		"prints the SQL that sets it." :
		"A hash cannot be converted. Set new passwords: each command asks for one.";
}

static void report_passwords(const struct users_view *view)
{
	const struct doctor *doctor = view->doctor;
	const bool has_tokens =
		doctor->config->jwt.secret[0] != '\0' || doctor->config->jwt.keys_file[0] != '\0';
	struct doctor_finding *finding;
	struct errmsg who;

	for (size_t i = 0; i < view->scheme_count; i++) {
		const struct group *group = &view->schemes[i];

		finding = doctor_find(doctor,
			view->usable == 0 && !has_tokens ? DOCTOR_MAIL : DOCTOR_NO_EFFECT,
			"%s a password that cannot be checked: %s", describe_group(group, &who),
			group->scheme);
		doctor_effect(finding, "Without a token, %s cannot log in.",
			group->count == 1 ? "this user" : "they");
		doctor_cure(finding, "%s", password_cure(doctor));
		add_passwd(doctor, finding, group);
	}
	if (view->usable == 0 || view->none.count == 0 || has_tokens)
		return;
	finding = doctor_find(doctor, DOCTOR_ADVICE, "%s no password",
		describe_group(&view->none, &who));
	doctor_effect(finding, "Nobody can log in with %s.",
		view->none.count == 1 ? "this name" : "these names");
	doctor_cure(finding,
		"If this is intended, write * as the password. Otherwise set passwords.");
	add_passwd(doctor, finding, &view->none);
}

/* ---- profiles -------------------------------------------------------------------- */

/* Return whether no recipient can be allowed: a bad entry, which the daemon reports, counts. */
static bool allows_nobody(const struct profile *profile)
{
	static const enum profile_column columns[] = { PROFILE_HOST, PROFILE_RCPT,
		PROFILE_RCPT_RE };

	if (profile_is_open(profile))
		return false;
	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
		const struct cell cell = profile_cell(profile, columns[i]);
		struct cell_items items;
		const char *item;
		size_t len;

		cell_items_init(&items, &cell, columns[i] == PROFILE_RCPT_RE);
		if (cell_items_next(&items, &item, &len))
			return false;
	}
	return true;
}

/* Return whether a limit of 0 allows nothing. */
static bool is_limited_to_nothing(const struct profile *profile)
{
	const struct limits *limits = profile_limits(profile);

	for (size_t i = 0; i < limits->len; i++) {
		if (limits->limit[i].count == 0)
			return true;
	}
	return false;
}

/* Add the command or the SQL that sets a column of a profile; value is text without quotes. */
static void add_set_profile(const struct doctor *doctor, struct doctor_finding *finding,
	const char *name, const char *column, const char *value, const char *sql_value)
{
	const char *schema = doctor->config->database.schema;
	struct strbuf table = STRBUF_INIT, quoted = STRBUF_INIT, argument = STRBUF_INIT;

	if (!doctor->config->database.present) {
		strbuf_addf(&argument, "%s=%s", column, value);
		if (!argument.failed)
			doctor_shell(finding, "posternctl", "-c", doctor->config->path, "profile",
				"set", name, argument.text, (const char *)NULL);
	} else if ((schema[0] == '\0' || paste_quote_sql_name(&table, schema) == 0) &&
		paste_quote_sql_text(&quoted, name) == 0) {
		strbuf_add_str(&table, schema[0] == '\0' ? "" : ".");
		if (!table.failed && !quoted.failed)
			doctor_sql(finding, "UPDATE %sprofiles SET %s = %s WHERE name = %s;",
				table.text, column, sql_value, quoted.text);
	}
	strbuf_free(&table);
	strbuf_free(&quoted);
	strbuf_free(&argument);
}

static void report_profile(const struct doctor *doctor, const struct profile *profile)
{
	const char *name = profile_name(profile);
	struct doctor_finding *finding;

	if (allows_nobody(profile)) {
		finding = doctor_find(doctor, DOCTOR_NO_EFFECT,
			"the profile %s allows no recipient: it is not open, and host, rcpt and "
			"rcpt_re are empty",
			name);
		doctor_effect(finding, "Its users cannot send mail.");
		doctor_cure(finding,
			"Enter the permitted recipients in host, rcpt or rcpt_re, or open the "
			"profile:");
		add_set_profile(doctor, finding, name, "open", "yes", "true");
	} else if (is_limited_to_nothing(profile)) {
		finding = doctor_find(doctor, DOCTOR_NO_EFFECT,
			"the profile %s allows no recipient: its limits contain 0", name);
		doctor_effect(finding, "Its users cannot send mail. 0 does not mean unlimited.");
		doctor_cure(finding, "Enter numbers above 0, or remove the limits:");
		add_set_profile(doctor, finding, name, "limits", "", "NULL");
	}
}

static int mark_profile(void *context, const struct user *user)
{
	return user->profile_id[0] == '\0' ||
			strmap_add(context, user->profile_id, strlen(user->profile_id), 0) >= 0 ?
		0 :
		-1;
}

/* Return whether the settings give the profile to logins without a row. */
static bool is_named(const struct doctor *doctor, const char *name)
{
	const struct settings *settings = doctor->config->settings;

	return (settings->unknown_user == UNKNOWN_PROFILE &&
		       strcasecmp(settings->unknown_profile, name) == 0) ||
		strcasecmp(settings->token_profile, name) == 0;
}

static void report_profiles(struct users_view *view)
{
	const struct profiles *profiles = view->store->profiles;
	struct strmap *used = strmap_new();
	size_t unused = 0;

	if (used == NULL || users_each(view->store->users, mark_profile, used) != 0)
		view->failed = true;
	for (size_t i = 0; i < profiles_count(profiles) && !view->failed; i++) {
		const struct profile *profile = profiles_at(profiles, i);
		const char *id = profile_id(profile), *name = profile_name(profile);

		if (strmap_find(used, id, strlen(id), NULL) == 1 || is_named(view->doctor, name))
			report_profile(view->doctor, profile);
		else if (unused++ < LISTED_MAX)
			doctor_cure(doctor_find(view->doctor, DOCTOR_ADVICE,
					    "no user has the profile %s", name),
				"If no user is to get this profile, delete its row.");
	}
	if (unused > LISTED_MAX)
		(void)doctor_find(view->doctor, DOCTOR_ADVICE,
			"and %zu more profiles without users", unused - LISTED_MAX);
	strmap_free(&used);
}

/* ---- the examination ------------------------------------------------------------- */

static void view_users(struct users_view *view)
{
	const struct config_auth *auth = &view->doctor->config->auth;

	view->checks_passwords = auth->socket[0] != '\0' || auth->saslauthd[0] != '\0' ||
		auth->inet_socket[0] != '\0';
	view->owners = strmap_new();
	view->shared = strmap_new();
	view->names = calloc(users_count(view->store->users) + 1, sizeof(*view->names));
	if (view->owners == NULL || view->shared == NULL || view->names == NULL ||
		users_each(view->store->users, see_user, view) != 0)
		view->failed = true;
	if (!view->failed) {
		report_passwords(view);
		report_profiles(view);
	}
	if (!view->failed && strmap_count(view->shared) > LISTED_MAX)
		(void)doctor_find(view->doctor, DOCTOR_ADVICE,
			"and %zu more addresses of several users",
			strmap_count(view->shared) - LISTED_MAX);
	if (view->failed)
		doctor_unexamined(view->doctor, "There is not enough memory.",
			"users and profiles");
	strmap_free(&view->owners);
	strmap_free(&view->shared);
	free(view->names);
}

void doctor_examine_users(const struct doctor *doctor)
{
	struct users_view view = { .doctor = doctor, .store = doctor->store };

	if (doctor->store != NULL)
		view_users(&view);
}
