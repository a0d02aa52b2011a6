#ifndef POSTERN_SASL_MECHANISMS_H
#define POSTERN_SASL_MECHANISMS_H

/*
 * The SASL mechanisms, one row each. This is their only list: enum sasl_mechanism, the dispatch in
 * sasl.c, the words and the default of [auth] mechanisms, the greeting of the Dovecot protocol and
 * the counts of logins derive from it. To add a mechanism, add a row here and its step function in
 * sasl.c.
 *
 *   id       SASL_id is its enum sasl_mechanism
 *   name     as clients and postern.conf write it
 *   flags    of enum sasl_flag
 *   first    the challenge that asks for the first response. If it is not empty, the server speaks
 *            first, and an empty initial response counts as none.
 *   refusal  the challenge that reports refused credentials, which the client answers before the
 *            exchange ends; NULL: the exchange ends at once
 *   step     the function that reads a response
 */
#define SASL_MECHANISM_LIST(X)                                                    \
	/* RFC 4616 */                                                            \
	X(PLAIN, "PLAIN", SASL_PLAINTEXT, "", NULL, step_plain)                   \
	/* draft-murchison-sasl-login */                                          \
	X(LOGIN, "LOGIN", SASL_PLAINTEXT, "Username:", NULL, step_login)          \
	/* RFC 7628; section 3.2.2 defines the refusal */                         \
	X(OAUTHBEARER, "OAUTHBEARER", SASL_PLAINTEXT | SASL_BEARER, "",           \
		"{\"status\":\"invalid_token\"}", step_bearer)                    \
	/* Google's; its clients look only for the status, which must be "400" */ \
	X(XOAUTH2, "XOAUTH2", SASL_PLAINTEXT | SASL_BEARER, "",                   \
		"{\"status\":\"400\",\"schemes\":\"Bearer\"}", step_bearer)

enum sasl_flag {
	SASL_PLAINTEXT =
		1, /* anyone who sees a response can log in with it; this includes bearer tokens */
	SASL_BEARER = 2, /* the secret is a token */
};

#define SASL_ENUM_VALUE(id, ...) SASL_##id,
enum sasl_mechanism { SASL_MECHANISM_LIST(SASL_ENUM_VALUE) SASL_MECHANISMS };
#undef SASL_ENUM_VALUE

/* A set of mechanisms is an unsigned that has these bits. */
#define SASL_BIT(mechanism) (1U << (mechanism))

#endif
