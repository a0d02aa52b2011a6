#include "lib/auth/sasl.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LOGIN_MAX 512 /* bytes of a login */

enum waiting { FOR_FIRST, FOR_LOGIN, FOR_PASSWORD, FOR_ANSWER, FOR_NOTHING };

struct sasl {
	enum sasl_mechanism mechanism;
	enum waiting waiting;
	const char *challenge;
	size_t challenge_len;
	char *login, *secret; /* NULL until known */
};

static const char *const names[SASL_MECHANISMS] = {
	[SASL_PLAIN] = "PLAIN",
	[SASL_LOGIN] = "LOGIN",
	[SASL_OAUTHBEARER] = "OAUTHBEARER",
	[SASL_XOAUTH2] = "XOAUTH2",
};

/* RFC 7628 section 3.2.2; Google's clients look for the status alone, and for "400" at that. */
static const char bearer_error[] = "{\"status\":\"invalid_token\"}";
static const char xoauth2_error[] = "{\"status\":\"400\",\"schemes\":\"Bearer\"}";

const char *sasl_name(enum sasl_mechanism mechanism)
{
	return names[mechanism];
}

int sasl_find(const char *name, enum sasl_mechanism *mechanism_r)
{
	for (int i = 0; i < SASL_MECHANISMS; i++) {
		if (strcasecmp(names[i], name) == 0) {
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
	sasl->mechanism = mechanism;
	sasl->challenge = "";
	return sasl;
}

static void wipe(char **text)
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
	wipe(&(*sasl)->login);
	wipe(&(*sasl)->secret);
	free(*sasl);
	*sasl = NULL;
}

static enum sasl_step fail(struct sasl *sasl, struct errmsg *err, const char *why)
{
	sasl->waiting = FOR_NOTHING;
	(void)errmsg_set(err, "%s", why);
	return SASL_FAILED;
}

static enum sasl_step challenge(struct sasl *sasl, enum waiting waiting, const char *text)
{
	sasl->waiting = waiting;
	sasl->challenge = text;
	sasl->challenge_len = strlen(text);
	return SASL_CHALLENGE;
}

/* Why the text can't be a login, or NULL. */
static const char *bad_login(const char *text, size_t len)
{
	if (len > LOGIN_MAX)
		return "the login is longer than 512 bytes";
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return "the login holds a control character";
	}
	return NULL;
}

/* Keep both texts; NULL leaves one as it is. */
static bool keep(struct sasl *sasl, const char *login, size_t login_len, const char *secret,
	size_t secret_len)
{
	if (login != NULL && (sasl->login = strndup(login, login_len)) == NULL)
		return false;
	return secret == NULL || (sasl->secret = strndup(secret, secret_len)) != NULL;
}

static enum sasl_step done(struct sasl *sasl)
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
		return fail(sasl, err, "malformed PLAIN: no NUL");
	login = first + 1;
	second = memchr(login, '\0', len - (size_t)(login - text));
	if (second == NULL)
		return fail(sasl, err, "malformed PLAIN: one NUL where two belong");
	login_len = (size_t)(second - login);
	password = second + 1;
	password_len = len - (size_t)(password - text);
	if (memchr(password, '\0', password_len) != NULL)
		return fail(sasl, err, "malformed PLAIN: a NUL in the password");
	if ((why = bad_login(login, login_len)) != NULL)
		return fail(sasl, err, why);
	if (!keep(sasl, login, login_len, password, password_len))
		return fail(sasl, err, "out of memory");
	if (login_len == 0 || password_len == 0)
		return fail(sasl, err, login_len == 0 ? "an empty login" : "an empty password");
	if (first != text && strcasecmp(text, sasl->login) != 0)
		return fail(sasl, err, "an authorization identity that is not the login");
	return done(sasl);
}

static enum sasl_step step_login_name(struct sasl *sasl, const char *text, size_t len,
	struct errmsg *err)
{
	const char *why = bad_login(text, len);

	if (why != NULL || len == 0)
		return fail(sasl, err, why != NULL ? why : "an empty login");
	if (!keep(sasl, text, len, NULL, 0))
		return fail(sasl, err, "out of memory");
	return challenge(sasl, FOR_PASSWORD, "Password:");
}

static enum sasl_step step_login_password(struct sasl *sasl, const char *text, size_t len,
	struct errmsg *err)
{
	if (len == 0 || memchr(text, '\0', len) != NULL)
		return fail(sasl, err, len == 0 ? "an empty password" : "a NUL in the password");
	if (!keep(sasl, NULL, 0, text, len))
		return fail(sasl, err, "out of memory");
	return done(sasl);
}

/* One NAME=VALUE between two ^A. */
static const char *take_pair(struct sasl *sasl, const char *pair, size_t len)
{
	const char *why;

	if (len >= 5 && strncasecmp(pair, "auth=", 5) == 0) {
		if (len < 12 || strncasecmp(pair + 5, "Bearer ", 7) != 0)
			return "malformed bearer: auth= is not Bearer";
		if (sasl->secret != NULL)
			return "malformed bearer: two auth=";
		while (len > 12 && pair[12] == ' ')
			pair++, len--;
		return keep(sasl, NULL, 0, pair + 12, len - 12) ? NULL : "out of memory";
	}
	if (len >= 5 && strncasecmp(pair, "user=", 5) == 0) {
		if (sasl->login != NULL)
			return "malformed bearer: two names of the user";
		if ((why = bad_login(pair + 5, len - 5)) != NULL)
			return why;
		return keep(sasl, pair + 5, len - 5, NULL, 0) ? NULL : "out of memory";
	}
	return memchr(pair, '=', len) != NULL ? NULL : "malformed bearer: a field without =";
}

/* saslname of RFC 5801: =2C is a comma, =3D an equals sign. In place; false when malformed. */
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

/* The GS2 header of OAUTHBEARER: "n,," or "n,a=NAME,"; *used_r: its bytes. */
static const char *take_gs2(struct sasl *sasl, const char *text, size_t len, size_t *used_r)
{
	const char *name = text + 2, *comma, *why;

	if (len < 3 || (text[0] != 'n' && text[0] != 'y') || text[1] != ',')
		return "malformed bearer: a GS2 header that is not n,,";
	if ((comma = memchr(name, ',', len - 2)) == NULL)
		return "malformed bearer: the GS2 header has no end";
	*used_r = (size_t)(comma + 1 - text);
	if (comma == name)
		return NULL;
	if (comma - name < 2 || strncmp(name, "a=", 2) != 0)
		return "malformed bearer: the GS2 header holds no a=";
	name += 2;
	if ((why = bad_login(name, (size_t)(comma - name))) != NULL)
		return why;
	if (!keep(sasl, name, (size_t)(comma - name), NULL, 0))
		return "out of memory";
	return unescape_name(sasl->login) ? NULL : "malformed bearer: a= has a foreign escape";
}

/* RFC 7628 section 3.1 and XOAUTH2, either from either. */
static enum sasl_step step_bearer(struct sasl *sasl, const char *text, size_t len,
	struct errmsg *err)
{
	const char *why = NULL, *end;
	size_t used = 0;

	if (memchr(text, '\0', len) != NULL)
		return fail(sasl, err, "malformed bearer: a NUL");
	if (len < 5 || strncasecmp(text, "user=", 5) != 0)
		why = take_gs2(sasl, text, len, &used);
	if (why == NULL && used > 0 && (used == len || text[used++] != 1))
		why = "malformed bearer: no ^A after the GS2 header";
	while (why == NULL && used < len && text[used] != 1) {
		end = memchr(text + used, 1, len - used);
		if (end == NULL)
			return fail(sasl, err, "malformed bearer: cut off before its end");
		why = take_pair(sasl, text + used, (size_t)(end - text) - used);
		used = (size_t)(end + 1 - text);
	}
	if (why == NULL && (used + 1 != len))
		why = used >= len ? "malformed bearer: cut off before its end" :
				    "malformed bearer: more after its end";
	if (why == NULL && sasl->login == NULL && (sasl->login = strdup("")) == NULL)
		why = "out of memory";
	if (why == NULL && (sasl->secret == NULL || sasl->secret[0] == '\0'))
		why = "no token";
	return why != NULL ? fail(sasl, err, why) : done(sasl);
}

static bool is_bearer(const struct sasl *sasl)
{
	return sasl->mechanism == SASL_OAUTHBEARER || sasl->mechanism == SASL_XOAUTH2;
}

static enum sasl_step first_step(struct sasl *sasl, const char *response, size_t len,
	struct errmsg *err)
{
	switch (sasl->mechanism) {
	case SASL_LOGIN:
		/* A name as initial response is what some clients send; an empty one says nothing.
		 */
		if (response == NULL || len == 0)
			return challenge(sasl, FOR_LOGIN, "Username:");
		return step_login_name(sasl, response, len, err);
	case SASL_PLAIN:
		return response == NULL ? challenge(sasl, FOR_FIRST, "") :
					  step_plain(sasl, response, len, err);
	default:
		return response == NULL ? challenge(sasl, FOR_FIRST, "") :
					  step_bearer(sasl, response, len, err);
	}
}

enum sasl_step sasl_step(struct sasl *sasl, const char *response, size_t len, struct errmsg *err)
{
	if (len > SASL_RESPONSE_MAX)
		return fail(sasl, err, "a response longer than 16384 bytes");
	switch (sasl->waiting) {
	case FOR_FIRST:
		return first_step(sasl, response, len, err);
	case FOR_LOGIN:
		return step_login_name(sasl, response, len, err);
	case FOR_PASSWORD:
		return step_login_password(sasl, response, len, err);
	case FOR_ANSWER: /* ^A, or nothing; what else it may be changes nothing */
		sasl->waiting = FOR_NOTHING;
		return SASL_FAILED;
	case FOR_NOTHING:
		break;
	}
	return fail(sasl, err, "a response after the end");
}

enum sasl_step sasl_refuse(struct sasl *sasl)
{
	if (is_bearer(sasl))
		return challenge(sasl, FOR_ANSWER,
			sasl->mechanism == SASL_XOAUTH2 ? xoauth2_error : bearer_error);
	sasl->waiting = FOR_NOTHING;
	return SASL_FAILED;
}

const char *sasl_challenge(const struct sasl *sasl, size_t *len_r)
{
	*len_r = sasl->challenge_len;
	return sasl->challenge;
}

struct sasl_credentials sasl_credentials(const struct sasl *sasl)
{
	return (struct sasl_credentials){ .login = sasl->login,
		.secret = sasl->secret,
		.is_bearer = is_bearer(sasl) };
}

const char *sasl_mechanism_name(const struct sasl *sasl)
{
	return names[sasl->mechanism];
}

const char *sasl_login(const struct sasl *sasl)
{
	return sasl->login == NULL ? "" : sasl->login;
}
