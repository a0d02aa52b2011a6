/*
 * The SASL mechanisms: the table made from SASL_MECHANISM_LIST, the state of one exchange, and the
 * step functions. An exchange owns copies of the login and the secret and wipes them. It runs on
 * whichever thread holds it.
 */
#include "lib/auth/sasl.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LOGIN_MAX 512 /* bytes */

enum waiting { FOR_FIRST, FOR_RESPONSE, FOR_ACKNOWLEDGEMENT, FOR_NOTHING };

struct sasl {
	const struct mechanism *mechanism;
	enum waiting waiting;
	const char *challenge;
	char *login, *secret; /* NULL until known */
};

typedef enum sasl_step step_function(struct sasl *sasl, const char *text, size_t len,
	struct errmsg *err);
static step_function step_plain, step_login, step_bearer;

/* A row of SASL_MECHANISM_LIST. */
struct mechanism {
	const char *name;
	unsigned flags;
	const char *first, *refusal;
	step_function *step;
};

#define MECHANISM(id, ...) [SASL_##id] = { __VA_ARGS__ },
static const struct mechanism mechanisms[SASL_MECHANISMS] = { SASL_MECHANISM_LIST(MECHANISM) };

const char *sasl_name(enum sasl_mechanism mechanism)
{
	return mechanisms[mechanism].name;
}

unsigned sasl_flags(enum sasl_mechanism mechanism)
{
	return mechanisms[mechanism].flags;
}

unsigned sasl_without(unsigned mechanism_set, unsigned flags)
{
	for (int i = 0; i < SASL_MECHANISMS; i++) {
		if ((mechanisms[i].flags & flags) != 0)
			mechanism_set &= ~SASL_BIT(i);
	}
	return mechanism_set;
}

int sasl_find(const char *name, enum sasl_mechanism *mechanism_r)
{
	for (int i = 0; i < SASL_MECHANISMS; i++) {
		if (strcasecmp(mechanisms[i].name, name) == 0) {
			*mechanism_r = (enum sasl_mechanism)i;
			return 0;
		}
	}
	return -1;
}

struct sasl *sasl_new(enum sasl_mechanism mechanism)
{
	struct sasl *sasl = calloc(1, sizeof(*sasl));

	if (sasl == NULL)
		return NULL;
	sasl->mechanism = &mechanisms[mechanism];
	sasl->challenge = "";
	return sasl;
}

static void wipe_text(char **text)
{
	if (*text != NULL)
		explicit_bzero(*text, strlen(*text));
	free(*text);
	*text = NULL;
}

void sasl_free(struct sasl **sasl)
{
	if (*sasl == NULL)
		return;
	wipe_text(&(*sasl)->login);
	wipe_text(&(*sasl)->secret);
	free(*sasl);
	*sasl = NULL;
}

static enum sasl_step fail_exchange(struct sasl *sasl, struct errmsg *err, const char *why)
{
	sasl->waiting = FOR_NOTHING;
	(void)errmsg_set(err, "%s", why);
	return SASL_FAILED;
}

static enum sasl_step challenge(struct sasl *sasl, enum waiting waiting, const char *text)
{
	sasl->waiting = waiting;
	sasl->challenge = text;
	return SASL_CHALLENGE;
}

/* Returns the reason why the text cannot be a login, or NULL. */
static const char *bad_login(const char *text, size_t len)
{
	if (len > LOGIN_MAX)
		return "the login is longer than 512 bytes";
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return "the login contains a control character";
	}
	return NULL;
}

/*
 * Copy a text, whose buffer need not end with a NUL. Unlike strndup(), it never reads text[len],
 * which ASan's strict_string_checks would report. Returns NULL when out of memory.
 */
static char *copy_bytes(const char *text, size_t len)
{
	char *copy = malloc(len + 1);

	if (copy != NULL) {
		memcpy(copy, text, len);
		copy[len] = '\0';
	}
	return copy;
}

/* Copy both texts into the exchange; NULL leaves a text as it is. Returns false when out of memory.
 */
static bool keep_credentials(struct sasl *sasl, const char *login, size_t login_len,
	const char *secret, size_t secret_len)
{
	if (login != NULL && (sasl->login = copy_bytes(login, login_len)) == NULL)
		return false;
	return secret == NULL || (sasl->secret = copy_bytes(secret, secret_len)) != NULL;
}

static enum sasl_step finish_exchange(struct sasl *sasl)
{
	sasl->waiting = FOR_NOTHING;
	return SASL_CREDENTIALS;
}

/* RFC 4616: [authzid] NUL authcid NUL passwd */
static enum sasl_step step_plain(struct sasl *sasl, const char *text, size_t len,
	struct errmsg *err)
{
	const char *first = memchr(text, '\0', len), *login, *second, *password, *why;
	size_t login_len, password_len;

	if (first == NULL)
		return fail_exchange(sasl, err, "malformed PLAIN: no NUL");
	login = first + 1;
	second = memchr(login, '\0', len - (size_t)(login - text));
	if (second == NULL)
		return fail_exchange(sasl, err, "malformed PLAIN: one NUL instead of two");
	login_len = (size_t)(second - login);
	password = second + 1;
	password_len = len - (size_t)(password - text);
	if (memchr(password, '\0', password_len) != NULL)
		return fail_exchange(sasl, err, "malformed PLAIN: a NUL in the password");
	if ((why = bad_login(login, login_len)) != NULL)
		return fail_exchange(sasl, err, why);
	if (!keep_credentials(sasl, login, login_len, password, password_len))
		return fail_exchange(sasl, err, "out of memory");
	if (login_len == 0 || password_len == 0)
		return fail_exchange(sasl, err,
			login_len == 0 ? "an empty login" : "an empty password");
	if (first != text && strcasecmp(text, sasl->login) != 0)
		return fail_exchange(sasl, err, "an authorization identity that is not the login");
	return finish_exchange(sasl);
}

/* Read the login in the first response and the password in the second. Some clients send the login
 * as initial response. */
static enum sasl_step step_login(struct sasl *sasl, const char *text, size_t len,
	struct errmsg *err)
{
	const char *why = NULL;

	if (sasl->login == NULL) {
		if ((why = bad_login(text, len)) != NULL || len == 0)
			return fail_exchange(sasl, err, why != NULL ? why : "an empty login");
		if (!keep_credentials(sasl, text, len, NULL, 0))
			return fail_exchange(sasl, err, "out of memory");
		return challenge(sasl, FOR_RESPONSE, "Password:");
	}
	if (len == 0 || memchr(text, '\0', len) != NULL)
		return fail_exchange(sasl, err,
			len == 0 ? "an empty password" : "a NUL in the password");
	if (!keep_credentials(sasl, NULL, 0, text, len))
		return fail_exchange(sasl, err, "out of memory");
	return finish_exchange(sasl);
}

/* Read one NAME=VALUE between two ^A. Returns what is wrong with it, or NULL. */
static const char *read_bearer_pair(struct sasl *sasl, const char *pair, size_t len)
{
	const char *why;

	if (len >= 5 && strncasecmp(pair, "auth=", 5) == 0) {
		if (len < 12 || strncasecmp(pair + 5, "Bearer ", 7) != 0)
			return "malformed bearer: auth= is not Bearer";
		if (sasl->secret != NULL)
			return "malformed bearer: two auth=";
		while (len > 12 && pair[12] == ' ')
			pair++, len--;
		return keep_credentials(sasl, NULL, 0, pair + 12, len - 12) ? NULL :
									      "out of memory";
	}
	if (len >= 5 && strncasecmp(pair, "user=", 5) == 0) {
		if (sasl->login != NULL)
			return "malformed bearer: two user names";
		if ((why = bad_login(pair + 5, len - 5)) != NULL)
			return why;
		return keep_credentials(sasl, pair + 5, len - 5, NULL, 0) ? NULL : "out of memory";
	}
	return memchr(pair, '=', len) != NULL ? NULL : "malformed bearer: a field without =";
}

/* Unescape a saslname (RFC 5801 section 4) in place: =2C is a comma, =3D an equals sign. Returns
 * false when it is malformed. */
static bool unescape_name(char *name)
{
	char *to = name;

	for (; *name != '\0'; name++) {
		if (*name == '=' && strncmp(name, "=2C", 3) == 0)
			*to++ = ',', name += 2;
		else if (*name == '=' && strncmp(name, "=3D", 3) == 0)
			*to++ = '=', name += 2;
		else if (*name == '=')
			return false;
		else
			*to++ = *name;
	}
	*to = '\0';
	return true;
}

/* Read the GS2 header of OAUTHBEARER, "n,," or "n,a=NAME,", of *used_r bytes. Returns what is wrong
 * with it, or NULL. */
static const char *read_gs2_header(struct sasl *sasl, const char *text, size_t len, size_t *used_r)
{
	const char *name = text + 2, *comma, *why;

	if (len < 3 || (text[0] != 'n' && text[0] != 'y') || text[1] != ',')
		return "malformed bearer: the GS2 header is not n,,";
	if ((comma = memchr(name, ',', len - 2)) == NULL)
		return "malformed bearer: the GS2 header has no end";
	*used_r = (size_t)(comma + 1 - text);
	if (comma == name)
		return NULL;
	if (comma - name < 2 || strncmp(name, "a=", 2) != 0)
		return "malformed bearer: the GS2 header has no a=";
	name += 2;
	if ((why = bad_login(name, (size_t)(comma - name))) != NULL)
		return why;
	if (!keep_credentials(sasl, name, (size_t)(comma - name), NULL, 0))
		return "out of memory";
	return unescape_name(sasl->login) ? NULL : "malformed bearer: a= has an unknown escape";
}

/* Read a message of RFC 7628 section 3.1 or of XOAUTH2. Clients send either form under either
 * mechanism name. */
static enum sasl_step step_bearer(struct sasl *sasl, const char *text, size_t len,
	struct errmsg *err)
{
	const char *why = NULL, *end;
	size_t used = 0;

	if (memchr(text, '\0', len) != NULL)
		return fail_exchange(sasl, err, "malformed bearer: a NUL");
	if (len < 5 || strncasecmp(text, "user=", 5) != 0)
		why = read_gs2_header(sasl, text, len, &used);
	if (why == NULL && used > 0 && (used == len || text[used++] != 1))
		why = "malformed bearer: no ^A after the GS2 header";
	while (why == NULL && used < len && text[used] != 1) {
		end = memchr(text + used, 1, len - used);
		if (end == NULL)
			return fail_exchange(sasl, err, "malformed bearer: cut off before its end");
		why = read_bearer_pair(sasl, text + used, (size_t)(end - text) - used);
		used = (size_t)(end + 1 - text);
	}
	if (why == NULL && (used + 1 != len))
		why = used >= len ? "malformed bearer: cut off before its end" :
				    "malformed bearer: more after its end";
	if (why == NULL && sasl->login == NULL && (sasl->login = strdup("")) == NULL)
		why = "out of memory";
	if (why == NULL && (sasl->secret == NULL || sasl->secret[0] == '\0'))
		why = "no token";
	return why != NULL ? fail_exchange(sasl, err, why) : finish_exchange(sasl);
}

enum sasl_step sasl_step(struct sasl *sasl, const char *response, size_t len, struct errmsg *err)
{
	const struct mechanism *mechanism = sasl->mechanism;

	if (len > SASL_RESPONSE_MAX)
		return fail_exchange(sasl, err, "the response is longer than 16384 bytes");
	switch (sasl->waiting) {
	case FOR_FIRST:
		if (response == NULL || (len == 0 && mechanism->first[0] != '\0'))
			return challenge(sasl, FOR_RESPONSE, mechanism->first);
		return mechanism->step(sasl, response, len, err);
	case FOR_RESPONSE:
		return mechanism->step(sasl, response == NULL ? "" : response, len, err);
	case FOR_ACKNOWLEDGEMENT: /* ^A or nothing; its content does not matter */
		sasl->waiting = FOR_NOTHING;
		return SASL_FAILED;
	case FOR_NOTHING:
		break;
	}
	return fail_exchange(sasl, err, "a response after the end of the exchange");
}

enum sasl_step sasl_refuse(struct sasl *sasl)
{
	wipe_text(&sasl->secret); /* the client may never acknowledge the refusal */
	if (sasl->mechanism->refusal != NULL)
		return challenge(sasl, FOR_ACKNOWLEDGEMENT, sasl->mechanism->refusal);
	sasl->waiting = FOR_NOTHING;
	return SASL_FAILED;
}

const char *sasl_challenge(const struct sasl *sasl, size_t *len_r)
{
	*len_r = strlen(sasl->challenge);
	return sasl->challenge;
}

struct sasl_credentials sasl_credentials(const struct sasl *sasl)
{
	return (struct sasl_credentials){ .login = sasl->login,
		.secret = sasl->secret,
		.is_bearer = (sasl->mechanism->flags & SASL_BEARER) != 0 };
}

const char *sasl_mechanism_name(const struct sasl *sasl)
{
	return sasl->mechanism->name;
}

const char *sasl_login(const struct sasl *sasl)
{
	return sasl->login == NULL ? "" : sasl->login;
}
